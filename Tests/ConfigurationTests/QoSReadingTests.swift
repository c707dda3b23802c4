import Catalog
import Configuration
import Testing

/// What governs models, as a configuration says it.
@Suite struct QoSReadingTests {
    @Test func everyKeyOfAModel() throws {
        let model = try #require(
            try catalog(
                """
                models:
                  m:
                    endpoints: [{url: "http://h:1", weight: 65535}, "http://h:2"]
                    access: private
                    qos:
                      {requests: 100/s, burst: 20, tokens: 600000/m, tokenBurst: 5000, connects: 50/h, connectBurst: 7,
                       connections: 0, bandwidth: 200Mbit/s, priority: high, dscp: 63, mode: observe, class: burstable}
                """
            ).models.first)
        var qos = QoS()
        qos.requests = Rate(100, per: .second)
        qos.burst = 20
        qos.tokens = Rate(600_000, per: .minute)
        qos.tokenBurst = 5000
        qos.connects = Rate(50, per: .hour)
        qos.connectBurst = 7
        qos.connections = 0
        qos.bandwidth = 25_000_000
        qos.priority = 6
        qos.dscp = 63
        qos.mode = .observe
        qos.service = .burstable
        #expect(model.qos == qos)
        #expect(model.access == .private)
        #expect(model.endpoints.map(\.weight) == [65535, 1])
    }

    @Test(arguments: ["qos:", "qos: {}", "access: public", ""])
    func withoutQoSNothingIsGoverned(line: String) throws {
        let model = try #require(try catalog("models:\n  m:\n    endpoints: [http://h]\n    \(line)\n").models.first)
        #expect(model.qos.isEmpty)
        #expect(model.access == .public)
    }

    @Test func rulesHaveModels() throws {
        let rules = try catalog(
            """
            capture:
              - {name: d, to: 127.65.0.10:9000, path: direct, model: m, whenProxyDown: refuse}
              - {name: p, to: 127.65.0.11:9000, model: m, unknown: refuse, opaque: refuse}
            models: {m: {endpoints: [http://10.0.0.1:1, "http://[fd00::1]:2", http://name:3]}}
            """
        ).rules
        #expect(rules.map(\.path) == [.direct, .proxy])
        #expect(rules.map(\.model) == ["m", "m"])
        #expect(rules.map(\.whenProxyDown) == [.refuse, .direct])
    }

    @Test func clientsHaveModels() throws {
        let clients = try catalog(
            """
            models: {a: {endpoints: [http://h]}, "b*": {endpoints: [http://h]}}
            clients:
              all: {}
              null: {allow: , deny: }
              none: {allow: []}
              one: {allow: a, deny: "b*"}
              two: {allow: [a, "b*"]}
            """
        ).clients
        #expect(clients.map(\.allow) == [nil, nil, [], ["a"], [AccessRule(names: ["a", "b*"])]])
        #expect(clients.map(\.deny) == [[], [], [], ["b*"], []])
    }

    @Test func aDeviceIsShaped() throws {
        let node = try catalog("node: {qdisc: {device: eth0.100, kind: htb, rate: 1Gbit/s}}").node
        #expect(node.qdisc == Qdisc(device: "eth0.100", rate: 125_000_000))
        #expect(try catalog("node: {qdisc: }").node.qdisc == nil)
    }

    @Test func modelsInNeedComeFirst() throws {
        let parsed = try catalog(
            """
            models:
              plain: {endpoints: [http://h]}
              dedicated: {endpoints: [http://h]}
              hidden: {endpoints: [http://h], access: private}
              limited: {endpoints: [http://h], qos: {dscp: 0}}
            capture: [{name: r, to: 10.0.0.1:1, model: dedicated}]
            """)
        #expect(parsed.modelsNeedingSlots.map(\.name) == ["limited", "hidden", "dedicated"])
        #expect(parsed.modelsBySlotOrder.map(\.name) == ["limited", "hidden", "dedicated", "plain"])
    }
}
