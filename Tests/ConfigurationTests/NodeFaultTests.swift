import Catalog
import Configuration
import Testing

/// What is said of a `node` section that cannot work.
@Suite struct NodeFaultTests {
    @Test(arguments: [
        ("cgroup: /a/../b", "has an empty, . or .. component"), ("cgroup: /a//b", "has an empty, . or .. component"),
        ("cgroup: ''", "does not begin with /"), ("brokerCgroup: /", "nothing would be captured"),
        ("listen: localhost:80", "has no literal IPv4 address"), ("listen: 0.0.0.0:15001", "cannot be where captured"),
        ("listen: \"[::]:15001\"", "cannot be where captured"), ("listen: 127.0.0.1", "has no port"),
        ("listen: 127.0.0.1:0", "has no port from 1 to 65535"), ("listen: []", "is empty; leave it out"),
        ("listen: \"[::ffff:127.0.0.1]:80\"", "write 127.0.0.1:80"), ("listen: 224.0.0.1:80", "cannot be where captured"),
        ("listen: [127.0.0.1:1, 127.0.0.2:1]", "is a second IPv4 address; node.listen[0] on line 2 is one already"),
        ("podAddress: 127.0.0.9", "cannot be reached from another network namespace"),
        ("podAddress: 10.0.0.1:80", "is not an address"),
        ("podAddress: [10.0.0.1, 10.0.0.2]", "is a second IPv4 address"), ("gateway: 8080", "has no port"),
        ("admin: 127.0.0.1:15001", "takes the same address and port as the default 127.0.0.1:15001 of node.listen"),
        ("listen: 127.0.0.1:15020", "takes the same address and port as the default 127.0.0.1:15020 of node.admin"),
        ("gateway: 0.0.0.0:15020", "takes the same address and port as the default 127.0.0.1:15020 of node.admin"),
        ("gateway: \"[::]:15001\"", "takes the same address and port as the default [::1]:15001 of node.listen"),
        ("gateway: [127.0.0.1:80, 127.0.0.1:80]", "takes the same address and port as node.gateway[0] on line 2"),
        ("proxy: fork", "is not spawn or external"), ("user: root", "the proxy never runs as root"),
        ("user: '0'", "never runs as root"),
        ("user: a b", "is not the name of a user"), ("workers: -1", "is not a whole number from 0 to 256"),
        ("workers: 257", "is not a whole number"), ("workers: 1.0", "is not a whole number"),
        ("workers: 0x10", "is not a whole number"),
        ("timeouts: 10s", "must be a mapping"), ("timeouts: {head: 10}", "is not a duration"),
        ("timeouts: {head: 10 s}", "has no known unit"),
        ("timeouts: {head: 0s}", "is not from 1ms to 24h"), ("timeouts: {head: 25h}", "is not from 1ms to 24h"),
        ("timeouts: {head: 9223372036854775807h}", "is not from 1ms to 24h"),
        ("timeouts: {head: 99999999999999999999s}", "is not a duration"),
        ("timeouts: {head: -1s}", "is not a duration"), ("timeouts: {head: 1.5s}", "has no known unit"),
        ("timeouts: {body_idle: 1s}", "did you mean bodyIdle?"), ("timeouts: {haed: 1s}", "did you mean head?"),
        ("maxBody: 1023", "is not from 1KiB to 1GiB"), ("maxBody: 2GiB", "is not from 1KiB to 1GiB"),
        ("maxBody: 9223372036854775807GiB", "is not from 1KiB to 1GiB"), ("maxBody: 32mib", "has no known unit of size"),
        ("maxBody: much", "is not a size"), ("maxBody: ٣MiB", "is not a size"),
        ("qdisc: htb", "must be a mapping of keys and values: device, kind, rate"),
        ("qdisc: {device: eth0, kind: htb}", "has no rate; write {device: eth0, kind: htb, rate: 10Gbit/s}"),
        ("qdisc: {kind: htb, rate: 1Gbit/s}", "has no device"), ("qdisc: {device: e, rate: 1Gbit/s}", "has no kind"),
        ("qdisc: {device: e, kind: hfsc, rate: 1Gbit/s}", "\"hfsc\" is not htb, the only kind there is"),
        ("qdisc: {device: ../x, kind: htb, rate: 1Gbit/s}", "is not the name of a network device"),
        ("qdisc: {device: abcdefghijklmnop, kind: htb, rate: 1Gbit/s}", "is not the name of a network device"),
        ("qdisc: {device: 'a b', kind: htb, rate: 1Gbit/s}", "is not the name of a network device"),
        ("qdisc: {device: .., kind: htb, rate: 1Gbit/s}", "is not the name of a network device"),
        ("qdisc: {device: e, kind: htb, rate: 1000}", "is not a bandwidth from 1KiB/s to 1Tbit/s"),
        ("qdisc: {device: e, kind: htb, rate: 1Gbit/s, mtu: 1}", "is not a known key; accepted here: device, kind, rate"),
    ])
    func values(line: String, expected: String) {
        let found = faults("node:\n  \(line)\n")
        #expect(found.count == 1 && found.first?.hasPrefix("line 2: node.") == true, "\(found)")
        #expect(found.first?.contains(expected) == true, "\(found)")
    }

    @Test func aBrokerCgroupMustLeaveSomethingToCapture() throws {
        #expect(faults("node:\n  cgroup: /a/b\n  brokerCgroup: /a\n").first?.contains("nothing would be captured") == true)
        #expect(faults("node:\n  cgroup: /a/b\n  brokerCgroup: /a/b\n").first?.contains("nothing would be captured") == true)
        #expect(try catalog("node: {cgroup: /ab, brokerCgroup: /a}").node.brokerCgroup == "/a")
        #expect(try catalog("node: {cgroup: /a, brokerCgroup: /a/b}").node.brokerCgroup == "/a/b")
    }

    @Test func podAddressesNeedAListenerOfTheirFamily() throws {
        let found = faults("node:\n  listen: 127.0.0.1:15001\n  podAddress: fd00::1\n")
        #expect(
            found == [
                "line 3: node.podAddress: \"fd00::1\" needs an address of its family in node.listen: it takes the port from there"
            ])
        #expect(try catalog("node:\n  listen: '[::1]:15001'\n  podAddress: fd00::1\n").node.podAddresses.count == 1)
        let collision = faults("node:\n  listen: 10.0.0.1:15001\n  podAddress: 10.0.0.1\n  gateway: 0.0.0.0:15001\n")
        #expect(
            collision == [
                "line 3: node.podAddress: takes the same address and port as node.listen on line 2",
                "line 4: node.gateway: takes the same address and port as node.listen on line 2",
            ])
    }

    @Test func familiesDoNotCollide() throws {
        #expect(try catalog("node: {gateway: ['0.0.0.0:80', '[::]:80'], admin: '[::1]:81'}").node.gateway.count == 2)
    }
}
