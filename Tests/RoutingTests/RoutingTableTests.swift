import Catalog
import Routing
import Testing

@Suite struct RoutingTableTests {
    @Test func findsNamesByTheirBytes() {
        let names = (0..<5000).map { "model-\($0)" }
        let table = NameTable(names)
        #expect(table.count == names.count)
        for (number, name) in names.enumerated() {
            let bytes = Array(name.utf8)
            #expect(table.find(bytes.span) == number)
        }
        for missing in ["", "model-", "model-5000", "Model-1"] {
            let bytes = Array(missing.utf8)
            #expect(table.find(bytes.span) == nil)
        }
    }

    @Test func aNameHasOneNumber() {
        var table = NameTable()
        let name = Array("é".utf8)
        #expect(table.insert(name.span) == 0 && table.insert(name.span) == 0)
        #expect(table.count == 1 && table.name(0) == "é")
    }

    @Test func flattensEndpointsToAddresses() throws {
        let addresses = try ["127.0.0.1:1", "[::1]:2"].map { try #require(SocketAddress($0)) }
        let endpoint = Endpoint(host: "e", port: 1, authority: "e:1", pathPrefix: "/p", addresses: addresses)
        let table = RoutingTable([Model(name: "m", endpoints: [endpoint, endpoint])])
        let candidates = table.route(table.route(ofModel: 0)).candidates
        #expect(candidates.count == 4)
        #expect(table.target(candidates[3]).address == addresses[1])
        #expect(table.target(candidates[0]).pathPrefix == Array("/p".utf8))
    }

    static let chat = "generation.text-generation.chat-completion"
    static let catalog = Catalog(
        models: [
            Model(
                name: "big", endpoints: [Ground.endpoint(0) { $0.labels = ["tier": "gpu"] }, Ground.endpoint(1)],
                capabilities: [chat], fallback: [Ground.endpoint(9) { $0.upstreamModel = "theirs" }]),
            Model(name: "small", endpoints: [Ground.endpoint(2) { $0.labels = ["tier": "gpu"] }], capabilities: ["custom.thing"]),
            Model(name: "chat-completion", endpoints: [Ground.endpoint(3)]),
        ],
        pools: [
            Pool(
                name: "all", models: [.init(model: "small"), .init(model: "nobody")], capability: "generation",
                fallback: [Ground.endpoint(8)], mirror: Mirror(model: "small", percent: 10)),
            Pool(name: "gpu", selector: ["tier": "gpu"]), Pool(name: "none", selector: ["tier": "tpu"]),
        ], capabilities: ["custom.thing"])

    @Test(arguments: [
        ("all", Route.Kind.pool, "all", [2, 0, 1], [8, 9]), ("gpu", .pool, "gpu", [0, 2], []), ("none", .pool, "none", [], []),
        ("big", .model, "big", [0, 1], [9]), ("chat-completion", .model, "chat-completion", [3], []),
        (chat, .capability, chat, [0, 1], [9]), ("generation", .capability, "generation", [0, 1], [9]),
        ("text-generation", .capability, "generation.text-generation", [0, 1], [9]),
        ("thing", .capability, "custom.thing", [2], []), ("custom", .capability, "custom", [2], []),
    ])
    func resolvesPoolsModelsAndCapabilities(
        name: String, kind: Route.Kind, full: String, candidates: [Int], fallbacks: [Int]
    ) throws {
        let ground = Ground(Self.catalog)
        let route = ground.table.route(try #require(ground.route(name)))
        #expect(route.kind == kind && route.name == full)
        #expect(route.candidates.map { ground.index($0) } == candidates)
        #expect(route.fallbacks.map { ground.index($0) } == fallbacks)
    }

    @Test func unknownNamesAreNone() {
        let ground = Ground(Self.catalog)
        for name in ["", "nobody", "retrieval", "retrieval.rag", "Big", "generation.", ".thing"] {
            #expect(ground.route(name) == nil, "\(name)")
        }
    }

    @Test func sayWhatServersCallTheModel() throws {
        let ground = Ground(Self.catalog)
        let pool = ground.table.route(try #require(ground.route("all")))
        let fallbacks = pool.fallbacks.map { ground.table.target($0) }
        #expect(fallbacks.map { String(decoding: $0.modelName, as: UTF8.self) } == ["all", "theirs"])
        #expect(fallbacks.allSatisfy { $0.isFallback })
        // The first member's limits govern what the pool falls back to.
        #expect(fallbacks.map(\.model) == [1, 0])
        #expect(pool.pool == 0 && pool.mirror?.percent == 10)
        #expect(ground.table.route(pool.mirror?.route ?? -1).name == "small")
    }

    @Test func numbersHoldOverReloads() {
        var numbers = EndpointNumbers()
        let before = RoutingTable(Self.catalog, &numbers)
        let count = numbers.count
        var changed = Self.catalog
        changed.models.reverse()
        changed.models[0].endpoints.insert(Ground.endpoint(20), at: 0)
        let after = RoutingTable(changed, &numbers)
        #expect(numbers.count == count + 1)
        let named = { (table: RoutingTable) in
            Dictionary(
                (0..<table.targetCount).map {
                    let target = table.target($0)
                    return ("\(table.name(target.model)) \(target.url)", target.number)
                }, uniquingKeysWith: { first, _ in first })
        }
        let (old, new) = (named(before), named(after))
        for (key, number) in old where !key.contains(":9008") { #expect(new[key] == number, "\(key)") }
    }

    @Test func numbersEnd() {
        var numbers = EndpointNumbers()
        let address = SocketAddress(ip: IPAddress(v4: 127, 0, 0, 1), port: 1)
        for index in 0..<EndpointNumbers.limit {
            #expect(numbers.number(model: "m", url: "\(index)", address: address) == EndpointNumber(index))
        }
        #expect(numbers.number(model: "m", url: "x", address: address) == nil)
        #expect(numbers.number(model: "m", url: "7", address: address) == 7)
        let table = RoutingTable(Catalog(models: [Model(name: "m", endpoints: [Ground.endpoint(0)])]), &numbers)
        #expect(table.leftOut == 1 && table.targetCount == 0)
    }

    @Test(arguments: [
        (Engine.openai, [true, false, false, true]), (.kserveV2, [false, true, false, true]),
        (.ollama, [true, false, true, true]), (.raw, [true, true, true, true]),
    ])
    func enginesServeTheirOwnInterfaces(engine: Engine, serves: [Bool]) {
        #expect(APIFamily.allCases.map { engine.serves($0) } == serves)
    }
}
