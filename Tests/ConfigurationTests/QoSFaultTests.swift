import Catalog
import Configuration
import Testing

/// What bad limits, accesses and dedications are told.
@Suite struct QoSFaultTests {
    @Test(arguments: [
        ("requests: 100", "requests: \"100\" is not a rate (100/s, 6000/m, 50000/h or 1000000/d, at most 1000000000"),
        ("requests: 1000000001/s", "is not a rate"), ("tokens: -1/m", "is not a rate"), ("connects: none", "is not a rate"),
        ("requests: ", "requests: has no value"), ("requests: [1/s]", "must be a single value"),
        ("burst: 20", "burst: is the burst of requests, which is not given"),
        ("tokenBurst: 20", "tokenBurst: is the burst of tokens"), ("connectBurst: 1", "connectBurst: is the burst of connects"),
        ("requests: x\n      burst: 20", "requests: \"x\" is not a rate"),
        ("requests: 1/s\n      burst: 0", "burst: \"0\" is not a whole number from 1 to 1000000000"),
        ("requests: 1/d\n      burst: 1000000000", "burst: is more than requests of 1/d would bring in a year"),
        ("connections: -1", "connections: \"-1\" is not a whole number from 0 to 1000000000"),
        ("connections: 18446744073709551616", "is not a whole number"),
        ("bandwidth: 0", "bandwidth: \"0\" is not a bandwidth from 1KiB/s to 1Tbit/s"),
        ("bandwidth: 0Mbit/s", "to stop a model write connects 0/s"), ("bandwidth: 2Tbit/s", "is not a bandwidth"),
        ("bandwidth: 18446744073709551615GiB/s", "is not a bandwidth"),
        ("priority: urgent", "priority: \"urgent\" is not high, normal, low or a number from 0 to 7"),
        ("priority: 8", "is not high"), ("dscp: 64", "dscp: \"64\" is not a number from 0 to 63"),
        ("mode: off", "mode: \"off\" is not enforce or observe"),
        ("class: gold", "class: \"gold\" is not guaranteed, burstable or best-effort"),
        ("class: guaranteed", "class: guaranteed needs a bandwidth to be sure of; give bandwidth, too"),
        ("class: guaranteed\n      bandwidth: 1", "bandwidth: \"1\" is not a bandwidth"),
        ("request: 1/s", "is not a known key; did you mean requests?"),
        ("token_burst: 1", "is not a known key; did you mean tokenBurst?"),
    ])
    func limits(line: String, expected: String) {
        let found = faults("models:\n  m:\n    endpoints: [http://h]\n    qos:\n      \(line)\n")
        #expect(found.count == 1 && found.first?.contains(": models.m.qos") == true, "\(found)")
        #expect(found.first?.contains(expected) == true, "\(found)")
    }

    @Test func modelsOfRulesAndClients() {
        let found = faults(
            """
            models:
              llama: {endpoints: [http://10.0.0.1:1], access: secret, qos: 5}
              deep: {endpoints: [http://10.0.0.1:1/v1, {url: "http://10.0.0.2", weight: -1}]}
            capture:
              - {name: a, to: 10.0.0.1:1, path: direct}
              - {name: b, to: 10.0.0.1:2, path: direct, model: lama, unknown: relay}
              - {name: c, to: 10.0.0.1:3, path: direct, model: deep, opaque: refuse}
              - {name: d, to: 10.0.0.1:4, path: deny, model: llama}
              - {name: e, to: 10.0.0.1:5, model: "ll*"}
            clients:
              one: {allow: [llama, llama, "llama-*", chat], deny: {a: b}}
              two: {deny: LLAMA}
            """)
        #expect(
            found == [
                "line 2: models.llama.access: \"secret\" is not public or private",
                "line 2: models.llama.qos: must be a mapping of keys and values: requests, burst, tokens, tokenBurst, connects, "
                    + "connectBurst, connections, bandwidth, priority, dscp, mode, class",
                "line 3: models.deep.endpoints[1].weight: \"-1\" is not a whole number from 0 to 65535",
                "line 5: capture[0]: has path direct and no model; write the name of the one that these destinations serve",
                "line 6: capture[1].model: \"lama\" is not under models; did you mean llama?",
                "line 6: capture[1].unknown: has no meaning with path direct: no proxy sees what is sent; leave it out",
                "line 7: capture[2].opaque: has no meaning with path direct: no proxy sees what is sent; leave it out",
                "line 7: capture[2].model: \"deep\" has the endpoint http://10.0.0.1:1/v1 with a path, and path direct changes "
                    + "no request: the path could not be put before it",
                "line 8: capture[3].model: has no meaning with path deny: nobody gets to the model",
                "line 9: capture[4].model: \"ll*\" is a pattern, which is not supported by this version; write the names of models",
                "line 11: clients.one.allow[1]: \"llama\" is given twice; the first is on line 11",
                "line 11: clients.one.allow[3]: \"chat\" is not under models",
                "line 11: clients.one.deny.a: is not a known key; accepted here: names, operations, times, name",
                "line 11: clients.one.deny: has no names; write {names: [\"llama-*\"], operations: [chat], times: [\"mon-fri 08:00-18:00\"]}",
                "line 12: clients.two.deny: \"LLAMA\" is not under models; did you mean llama?",
            ])
    }

    @Test func connectChoosesAmongSoMany() throws {
        func yaml(_ count: Int) -> String {
            let urls = (1...count).map { "http://10.0.0.1:\($0)" }.joined(separator: ", ")
            return "models: {m: {endpoints: [\(urls)]}}\ncapture: [{name: r, to: 10.1.1.1:1, path: direct, model: m}]\n"
        }
        #expect(try catalog(yaml(32)).models.first?.endpoints.count == 32)
        #expect(
            faults(yaml(33)) == ["line 2: capture[0].model: \"m\" has 33 endpoints; path direct chooses among at most 32"])
    }

    @Test func theKernelHasSoManyEntries() throws {
        func yaml(_ limited: Int, _ plain: Int) -> String {
            "models:\n" + (0..<limited).map { "  q\($0): {endpoints: [http://h], qos: {requests: 1/s}}\n" }.joined()
                + (0..<plain).map { "  p\($0): {endpoints: [http://h]}\n" }.joined()
        }
        #expect(try catalog(yaml(4096, 100)).modelsNeedingSlots.count == 4096)
        #expect(
            faults(yaml(4097, 0)) == [
                "line 1: models: has 4097 models with qos, with access private or in a capture rule; at most 4096 are possible"
            ])
    }

    @Test func manyWrongNamesAreRefusedSoon() {
        let models = (0..<5000).map { "  m\($0): {endpoints: [http://h]}\n" }.joined()
        let clients = (0..<3000).map { "  c\($0): {allow: x\($0)}\n" }.joined()
        #expect(faults("models:\n\(models)clients:\n\(clients)").count == 1000)
    }

    @Test func whatAReferenceResolvesToIsNotShown() {
        let yaml = "models: {m: {endpoints: [http://h], qos: {requests: \"${env:R}\"}}}\nclients: {c: {allow: \"${env:R}\"}}\n"
        let found = faults(yaml, environment: ["R": "hush-hush"])
        #expect(found.count == 2 && found.allSatisfy { !$0.contains("hush") }, "\(found)")
    }
}
