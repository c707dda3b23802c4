import Catalog
import Control
import ControlCoding
import Testing

@testable import Agent

@Suite struct ModelListingTests {
    private func names(_ body: String, _ engine: Engine) throws -> [String] {
        try ModelListing.names(Array(body.utf8), of: engine)
    }

    @Test func eachEngineHasItsForm() throws {
        let openai = """
            {"object":"list","data":[{"id":"b","object":"model","created":1},{"id":"a"},{"id":"b"},{"id":null},{}]}
            """
        #expect(try names(openai, .openai) == ["a", "b"])
        let index = """
            [{"name":"resnet","version":"1","state":"READY","reason":""},{"name":"gone","state":"UNAVAILABLE"},{"name":"plain"}]
            """
        #expect(try names(index, .kserveV2) == ["plain", "resnet"])
        #expect(try names("{\"models\":[{\"name\":\"llama3:latest\",\"size\":1}]}", .ollama) == ["llama3:latest"])
        #expect(try names("nonsense", .raw) == [])
    }

    @Test(arguments: [
        "", "null", "[]", "{}", "{\"data\":{}}", "{\"data\":[1]}", "{\"data\":[{\"id\":7}]}", "{\"data\":[{\"id\":\"a\"}]",
        "{\"data\":\u{0}}", String(repeating: "[", count: 100_000),
    ])
    func whatIsNoListIsRefused(body: String) {
        #expect(throws: ControlLineError.self) { try names(body, .openai) }
    }

    @Test func onlySoManyNamesAndNoOddOnes() throws {
        let long = String(repeating: "x", count: 257)
        let odd =
            "{\"data\":[{\"id\":\"\"},{\"id\":\"a b\"},{\"id\":\"a\\n\"},{\"id\":\"\\u0000\"},{\"id\":\"\(long)\"},{\"id\":\"ok\"}]}"
        #expect(try names(odd, .openai) == ["ok"])
        let many = (0..<5000).map { "{\"id\":\"m\($0)\"}" }.joined(separator: ",")
        #expect(try names("{\"data\":[\(many)]}", .openai).count == ModelListing.maximumNames)
    }

    @Test func rawServersAreNotAsked() {
        let endpoint = Endpoint(host: "e", port: 1, authority: "e", engine: .raw)
        #expect(ModelListing.request(to: endpoint) == nil)
        var index = endpoint
        index.engine = .kserveV2
        #expect(
            ModelListing.request(to: index).map { String(decoding: $0, as: UTF8.self) }?.hasPrefix("POST /v2/repository/index ")
                == true)
    }
}

@Suite struct DiscoveryBookTests {
    private func endpoint(_ name: String, _ onNew: Discovery.OnNew?, upstream: String? = nil) -> Endpoint {
        Endpoint(
            host: name, port: 80, authority: name, upstreamModel: upstream, labels: ["tier": "gpu"],
            discovery: onNew.map { Discovery(onNew: $0) })
    }

    private func book(_ catalog: Catalog) -> DiscoveryBook {
        var book = DiscoveryBook()
        book.adopt(catalog)
        return book
    }

    private func found(_ book: inout DiscoveryBook, _ names: [String], _ url: String = "http://e") -> [String] {
        book.take(names, from: url).map { "\($0.isNew ? "+" : "-")\($0.model)\($0.isRegistered ? "!" : "")" }
    }

    @Test func registersWhatIsNewAndTakesItOutAgain() {
        let catalog = Catalog(models: [Model(name: "llama", endpoints: [endpoint("e", .register, upstream: "meta/llama")])])
        var book = book(catalog)
        #expect(found(&book, ["meta/llama", "new", "other"]) == ["+new!", "+other!"])
        let whole = book.applied(to: catalog)
        #expect(whole.models.map(\.name) == ["llama", "new", "other"])
        #expect(whole.models[0] == catalog.models[0])
        let model = whole.models[1]
        #expect(model.access == .public && model.qos.isEmpty && model.capabilities.isEmpty)
        #expect(model.endpoints.map(\.url) == ["http://e"])
        #expect(model.endpoints[0].upstreamModel == nil && model.endpoints[0].labels.isEmpty, "no pool gets it as a member")
        #expect(found(&book, ["meta/llama", "new", "other"]) == [])
        #expect(found(&book, ["new"]) == ["-meta/llama", "-other!"])
        #expect(book.applied(to: catalog).models.map(\.name) == ["llama", "new"])
    }

    @Test func notifyAndIgnoreRegisterNothing() {
        let notify = Catalog(models: [Model(name: "a", endpoints: [endpoint("e", .notify)])])
        var book = book(notify)
        #expect(found(&book, ["a", "new"]) == ["+new"])
        #expect(found(&book, ["a"]) == ["-new"])
        #expect(book.applied(to: notify) == notify)
        let ignore = Catalog(models: [Model(name: "a", endpoints: [endpoint("e", .ignore)])])
        book = self.book(ignore)
        #expect(found(&book, ["a", "new"]) == [])
        #expect(found(&book, []) == ["-a"], "a model of the configuration that is gone is told of in any case")
        #expect(found(&book, ["x"], "http://nobody") == [])
    }

    @Test func whatTheConfigurationNamesIsNeverOverridden() {
        let catalog = Catalog(
            models: [
                Model(name: "m", endpoints: [endpoint("e", .register)]), Model(name: "far", endpoints: [endpoint("f", nil)]),
            ],
            pools: [Pool(name: "chat")], capabilities: ["x.special"])
        var book = book(catalog)
        #expect(found(&book, ["m", "far", "chat", "chat-completion", "x.special", "special", "rag"]) == [])
        #expect(book.applied(to: catalog) == catalog)
    }

    @Test func aReloadKeepsWhatTheServerStillHas() {
        let first = Catalog(models: [Model(name: "m", endpoints: [endpoint("e", .register)])])
        var book = book(first)
        _ = found(&book, ["new", "later"])
        let second = Catalog(models: first.models + [Model(name: "later", endpoints: [endpoint("f", nil)])])
        book.adopt(second)
        #expect(book.applied(to: second).models.map(\.name) == ["m", "later", "new"])
        book.adopt(first)
        #expect(book.applied(to: first).models.map(\.name) == ["m", "later", "new"], "the name is free again")
        book.adopt(Catalog(models: [Model(name: "m", endpoints: [endpoint("e", .notify)])]))
        #expect(book.applied(to: first).models.map(\.name) == ["m"])
        book.adopt(Catalog())
        book.adopt(first)
        #expect(book.applied(to: first) == first, "a server that was gone is asked anew")
    }

    @Test func oneModelAtSeveralServers() {
        let catalog = Catalog(models: [
            Model(name: "m", endpoints: [endpoint("e", .register)], fallback: [endpoint("f", .register)])
        ])
        var book = book(catalog)
        _ = found(&book, ["new"], "http://f")
        _ = found(&book, ["new"])
        #expect(book.applied(to: catalog).models.last?.endpoints.map(\.url) == ["http://e", "http://f"])
        #expect(found(&book, []) == ["-new!"])
        #expect(book.applied(to: catalog).models.last?.endpoints.map(\.url) == ["http://f"])
    }

    @Test func onlySoManyAreRegistered() {
        let catalog = Catalog(models: [
            Model(name: "m", endpoints: [endpoint("e", .register), endpoint("f", .register)])
        ])
        var book = book(catalog)
        _ = found(&book, (0..<900).map { "e\($0)" })
        let more = book.take((0..<900).map { "f\($0)" }, from: "http://f")
        #expect(more.count == 900 && more.count(where: \.isRegistered) == 100)
        #expect(book.applied(to: catalog).models.count == 1001)
    }
}

@Suite struct NameScheduleTests {
    private let second: UInt64 = 1_000_000_000

    @Test func namesAreAskedForAgain() {
        var schedule = NameSchedule(seed: 3)
        #expect(schedule.due(["a", "b"], now: 0) == ["a", "b"])
        #expect(schedule.due(["a", "b"], now: 100 * second) == [], "they are being looked up")
        schedule.finished("a", succeeded: true, now: 0)
        schedule.finished("b", succeeded: false, now: 0)
        #expect(schedule.due(["a", "b"], now: second * 8 / 10) == [])
        #expect(schedule.due(["a", "b"], now: second * 12 / 10) == ["b"])
        #expect(schedule.due(["a", "b"], now: 26 * second) == [])
        #expect(schedule.due(["a", "b"], now: 33 * second) == ["a"])
        #expect(schedule.due(["c"], now: 33 * second) == ["c"])
    }

    @Test func namesKeepApart() {
        var schedule = NameSchedule(seed: 3)
        let names = (0..<100).map { "n\($0)" }
        for name in names { schedule.finished(name, succeeded: true, now: 0) }
        #expect(schedule.due(names, now: 27 * second) == [])
        #expect((30...70).contains(schedule.due(names, now: 30 * second).count))
        #expect(schedule.due(names, now: 33 * second).count < 70)
    }
}
