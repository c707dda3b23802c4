import CBPFShim
import Testing

/// The layouts as broker_abi.h promises them to the proxy, to other programs and to maps that are pinned already.
@Suite struct ABITests {
    @Test func sizes() {
        #expect(MemoryLayout<mb_settings>.size == 120)
        #expect(MemoryLayout<mb_target>.size == 24)
        #expect(MemoryLayout<mb_rule_key4>.size == 12)
        #expect(MemoryLayout<mb_rule_key6>.size == 24)
        #expect(MemoryLayout<mb_rule>.size == 12)
        #expect(MemoryLayout<mb_rule_counters>.size == 32)
        #expect(MemoryLayout<mb_workload>.size == 8)
        #expect(MemoryLayout<mb_origin>.size == 104)
        #expect(MemoryLayout<mb_tuple>.size == 40)
        #expect(MemoryLayout<mb_limit>.size == 40)
        #expect(MemoryLayout<mb_qos>.size == 152)
        #expect(MemoryLayout<mb_model>.size == 1024)
        #expect(MemoryLayout<mb_bucket>.size == 64)
        #expect(MemoryLayout<mb_tag>.size == 12)
        #expect(MemoryLayout<mb_socket>.size == 32)
        #expect(MemoryLayout<mb_model_state>.size == 64)
        #expect(MemoryLayout<mb_event>.size == 112)
    }

    @Test func originOffsets() {
        #expect(MemoryLayout<mb_origin>.offset(of: \.family) == 0)
        #expect(MemoryLayout<mb_origin>.offset(of: \.rule) == 4)
        #expect(MemoryLayout<mb_origin>.offset(of: \.addr) == 8)
        #expect(MemoryLayout<mb_origin>.offset(of: \.port_be) == 24)
        #expect(MemoryLayout<mb_origin>.offset(of: \.flags) == 26)
        #expect(MemoryLayout<mb_origin>.offset(of: \.client) == 28)
        #expect(MemoryLayout<mb_origin>.offset(of: \.pid) == 32)
        #expect(MemoryLayout<mb_origin>.offset(of: \.uid) == 36)
        #expect(MemoryLayout<mb_origin>.offset(of: \.cgroup) == 40)
        #expect(MemoryLayout<mb_origin>.offset(of: \.workload) == 48)
        #expect(MemoryLayout<mb_origin>.offset(of: \.netns_cookie) == 56)
        #expect(MemoryLayout<mb_origin>.offset(of: \.socket_cookie) == 64)
        #expect(MemoryLayout<mb_origin>.offset(of: \.time_ns) == 72)
        #expect(MemoryLayout<mb_origin>.offset(of: \.comm) == 88)
        #expect(MemoryLayout<mb_origin>.offset(of: \.model) == 80)
        #expect(MemoryLayout<mb_origin>.offset(of: \.endpoint) == 84)
    }

    @Test func keyOffsets() {
        #expect(MemoryLayout<mb_rule_key4>.offset(of: \.port_be) == 4)
        #expect(MemoryLayout<mb_rule_key4>.offset(of: \.addr) == 6)
        #expect(MemoryLayout<mb_rule_key6>.offset(of: \.addr) == 6)
        #expect(MemoryLayout<mb_tuple>.offset(of: \.local_be) == 16)
        #expect(MemoryLayout<mb_tuple>.offset(of: \.remote_port_be) == 32)
        #expect(MemoryLayout<mb_tuple>.offset(of: \.local_port_be) == 34)
        #expect(MemoryLayout<mb_tuple>.offset(of: \.family) == 36)
    }

    @Test func otherOffsets() {
        #expect(MemoryLayout<mb_settings>.offset(of: \.generation) == 8)
        #expect(MemoryLayout<mb_settings>.offset(of: \.host_netns_cookie) == 16)
        #expect(MemoryLayout<mb_settings>.offset(of: \.targets) == 24)
        #expect(MemoryLayout<mb_target>.offset(of: \.port_be) == 16)
        #expect(MemoryLayout<mb_target>.offset(of: \.configured) == 18)
        #expect(MemoryLayout<mb_rule>.offset(of: \.path) == 4)
        #expect(MemoryLayout<mb_rule>.offset(of: \.when_down) == 5)
        #expect(MemoryLayout<mb_event>.offset(of: \.reason) == 4)
        #expect(MemoryLayout<mb_event>.offset(of: \.observed) == 6)
        #expect(MemoryLayout<mb_event>.offset(of: \.origin) == 8)
        #expect(MemoryLayout<mb_rule>.offset(of: \.model) == 8)
    }

    @Test func modelOffsets() {
        #expect(MemoryLayout<mb_model>.offset(of: \.version) == 0)
        #expect(MemoryLayout<mb_model>.offset(of: \.flags) == 8)
        #expect(MemoryLayout<mb_model>.offset(of: \.qos) == 16)
        #expect(MemoryLayout<mb_model>.offset(of: \.file) == 320)
        #expect(MemoryLayout<mb_model>.offset(of: \.live) == 472)
        #expect(MemoryLayout<mb_model>.offset(of: \.changed_ns) == 624)
        #expect(MemoryLayout<mb_model>.offset(of: \.name) == 640)
        #expect(MemoryLayout<mb_qos>.offset(of: \.bandwidth) == 120)
        #expect(MemoryLayout<mb_qos>.offset(of: \.fields) == 136)
        #expect(MemoryLayout<mb_qos>.offset(of: \.priority) == 148)
        #expect(MemoryLayout<mb_bucket>.offset(of: \.tat_ns) == 0)
        #expect(MemoryLayout<mb_bucket>.offset(of: \.admitted) == 8)
        #expect(MemoryLayout<mb_tag>.offset(of: \.leg) == 8)
        #expect(MemoryLayout<mb_tag>.offset(of: \.active) == 9)
        #expect(MemoryLayout<mb_model_state>.offset(of: \.active) == 8)
        #expect(MemoryLayout<mb_model_state>.offset(of: \.tagged) == 24)
    }
}
