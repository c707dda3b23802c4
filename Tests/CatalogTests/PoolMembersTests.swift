import Catalog
import Testing

/// Which models and endpoints a pool stands for.
@Suite struct PoolMembersTests {
    private static func endpoint(_ host: String, _ labels: [String: String] = [:]) -> Endpoint {
        Endpoint(host: host, port: 80, authority: host, labels: labels)
    }

    private let models = [
        Model(
            name: "a", endpoints: [Self.endpoint("a1", ["tier": "gpu", "zone": "x"]), Self.endpoint("a2", ["tier": "cpu"])],
            capabilities: ["generation.text-generation.chat-completion", "retrieval.rag"]),
        Model(name: "b", endpoints: [Self.endpoint("b1", ["tier": "gpu"])], capabilities: ["generation.text-generation"]),
        Model(name: "c", endpoints: [Self.endpoint("c1")], capabilities: ["generation.text-generation-extra"]),
    ]

    private func members(_ pool: Pool) -> [String] {
        PoolMembers(models).of(pool).map { member in
            "\(models[member.model].name):\(member.weight):\(member.endpoints.map { models[member.model].endpoints[$0].host })"
        }
    }

    @Test func byName() {
        let pool = Pool(
            name: "p", models: [.init(model: "c", weight: 9), .init(model: "gone"), .init(model: "a"), .init(model: "a")])
        #expect(members(pool) == [#"c:9:["c1"]"#, #"a:1:["a1", "a2"]"#])
    }

    @Test func byCapabilityAndWhatIsBelow() {
        #expect(members(Pool(name: "p", capability: "generation.text-generation")) == [#"a:1:["a1", "a2"]"#, #"b:1:["b1"]"#])
        #expect(members(Pool(name: "p", capability: "generation")).count == 3)
        #expect(members(Pool(name: "p", capability: "generation.text-generation.chat-completion")).count == 1)
        #expect(members(Pool(name: "p", capability: "evaluation")) == [])
    }

    @Test func namedOnesComeFirstAndKeepTheirWeight() {
        let pool = Pool(name: "p", models: [.init(model: "b", weight: 0)], capability: "generation.text-generation")
        #expect(members(pool) == [#"b:0:["b1"]"#, #"a:1:["a1", "a2"]"#])
    }

    @Test func bySelector() {
        #expect(members(Pool(name: "p", selector: ["tier": "gpu"])) == [#"a:1:["a1"]"#, #"b:1:["b1"]"#])
        #expect(members(Pool(name: "p", selector: ["tier": "gpu", "zone": "x"])) == [#"a:1:["a1"]"#])
        #expect(members(Pool(name: "p", models: [.init(model: "b")], selector: ["tier": "cpu"])) == [])
        #expect(members(Pool(name: "p", capability: "retrieval", selector: ["tier": "cpu"])) == [#"a:1:["a2"]"#])
        #expect(members(Pool(name: "p", selector: ["tier": ""])) == [])
    }
}
