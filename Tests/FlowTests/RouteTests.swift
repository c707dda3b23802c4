import Admission
import Catalog
import Control
import Flow
import Identity
import Routing
import Telemetry
import Testing

/// What a request's name means, and who gets it.
@Suite struct RouteTests {
    @Test func aPoolsPreferredModelGetsTheRequest() {
        var driver = FlowDriver(FlowDriver.pool())
        driver.client(Text.ask("chat"))
        #expect(driver.connect() == FlowDriver.engine)
        driver.connected()
        #expect(driver.takeUpstream().hasSuffix(#"{"messages":[],"model":"big"}"#))
        #expect(driver.underWay == 1)
        driver.upstream(Text.json(#"{"model":"big","x":1}"#))
        #expect(driver.takeClient().hasSuffix("Content-Length: 22\r\n\r\n" + #"{"model":"chat","x":1}"#))
        #expect(driver.underWay == 0 && driver.flow.state == .idle && driver.route("chat")?.requests == 1)
    }

    @Test func aModelAndACapabilityAreNamesToo() {
        var catalog = FlowDriver.pool()
        catalog.models[1].capabilities = ["generation.text-generation.chat-completion"]
        var driver = FlowDriver(catalog)
        for (name, address) in [
            ("small", FlowDriver.second), ("big", FlowDriver.engine), ("chat-completion", FlowDriver.second),
            ("generation.text-generation", FlowDriver.second),
        ] {
            driver.client(Text.ask(name))
            #expect(driver.connect() == address, "\(name)")
            driver.connected()
            driver.upstream(Text.answer)
        }
    }

    @Test func headersNeverNameTheModel() {
        var driver = FlowDriver(FlowDriver.pool())
        driver.client(Text.post(#"{"model":"small"}"#, fields: "X-Gateway-Model-Name: big\r\n"))
        #expect(driver.connect() == FlowDriver.second)
    }

    @Test func aClosedMemberIsPassedOver() {
        var catalog = FlowDriver.pool()
        catalog.models[0].access = .private
        catalog.clients = [Client(name: "in", allow: ["chat"]), Client(name: "out", deny: ["chat"])]
        var plain = FlowDriver(catalog)
        plain.client(Text.ask("chat"))
        #expect(plain.connect() == FlowDriver.second)
        var inside = FlowDriver(catalog, client: "in")
        inside.client(Text.ask("chat"))
        #expect(inside.connect() == FlowDriver.engine)
        var outside = FlowDriver(catalog, client: "out")
        outside.client(Text.ask("chat"))
        #expect(outside.takeClient().hasPrefix("HTTP/1.1 403 ") && outside.connect() == nil && outside.flow.state == .idle)
    }

    @Test func aModelWhoseLimitIsReachedLeavesTheRequestToAnother() {
        let memory = QoSMemory()
        memory.put(
            .with {
                $0.requests = Rate(1, per: .minute); $0.burst = 1
            }, "big", slot: 5)
        memory.put(
            .with {
                $0.requests = Rate(1, per: .hour); $0.burst = 1
            }, "small", slot: 6)
        let admission = AdmissionTable(memory.page, slots: [5, 6], models: ["big", "small"])
        var driver = FlowDriver(FlowDriver.pool(), admission: admission)
        for address in [FlowDriver.engine, FlowDriver.second] {
            driver.client(Text.ask("chat"))
            #expect(driver.connect() == address)
            driver.connected()
            driver.upstream(Text.answer)
        }
        _ = driver.takeClient()
        driver.client(Text.ask("chat"))
        let answer = driver.takeClient()
        #expect(answer.hasPrefix("HTTP/1.1 429 ") && answer.contains("Retry-After: 60\r\n"), "the soonest, not the last")
        #expect(driver.underWay == 0)
        #expect(driver.context.ledger.statistics().models.allSatisfy { $0.counters.active == 0 })
    }

    @Test func listsPoolsBesideModels() {
        var catalog = FlowDriver.pool()
        catalog.clients = [Client(name: "small", allow: ["small"])]
        var driver = FlowDriver(catalog)
        driver.client("GET /v1/models HTTP/1.1\r\nHost: a\r\n\r\n")
        let list = driver.takeClient()
        for name in ["chat", "big", "small"] { #expect(list.contains(#"{"id":"\#(name)","object":"model""#)) }
        #expect(!list.contains("generation."))
        driver = FlowDriver(catalog, client: "small")
        driver.client("GET /v1/models HTTP/1.1\r\nHost: a\r\n\r\n")
        #expect(!driver.takeClient().contains("big"))
        driver.client("GET /v1/models/chat HTTP/1.1\r\nHost: a\r\n\r\n")
        #expect(driver.takeClient().hasPrefix("HTTP/1.1 200 "))
    }

    @Test func aFallbackServesUnderThePoolsName() {
        var catalog = FlowDriver.pool()
        catalog.pools[0].fallback = [FlowDriver.endpoint(FlowDriver.third)]
        var driver = FlowDriver(catalog)
        driver.client(Text.ask("chat"))
        _ = driver.connect()
        driver.connectFailed()
        #expect(driver.connect() == FlowDriver.second)
        driver.connectFailed()
        #expect(driver.connect() == FlowDriver.third)
        driver.connected()
        #expect(driver.takeUpstream().contains(#""model":"chat""#))
        #expect(driver.route("chat")?.fallbacks == 1)
    }

    /// No endpoint pays for what the broker itself has not got.
    @Test func wantOfDescriptorsIsNobodysFault() {
        var catalog = FlowDriver.single(RetryPolicy(attempts: 3))
        catalog.models[0].routing.breaker = BreakerPolicy(failures: 1, cooldown: 7_000)
        var driver = FlowDriver(catalog)
        for _ in 0..<5 {
            driver.client(Text.post())
            #expect(driver.connect() != nil)
            driver.connectFailed(isOurs: true)
            let answer = driver.takeClient()
            #expect(answer.hasPrefix("HTTP/1.1 503 ") && answer.contains(#""code":"server_is_overloaded""#))
            #expect(answer.contains("Too many open files") && answer.contains("Retry-After: 1\r\n"))
        }
        #expect(driver.underWay == 0)
        driver.client(Text.post())
        #expect(driver.connect() != nil)
        driver.connected()
        #expect(driver.takeUpstream().hasPrefix("POST "))
    }

    @Test func nothingUsableSaysWhenToComeBack() {
        var catalog = FlowDriver.single(RetryPolicy(attempts: 1))
        catalog.models[0].routing.breaker = BreakerPolicy(failures: 1, cooldown: 7_000)
        var driver = FlowDriver(catalog)
        driver.client(Text.post())
        driver.connectFailed()
        _ = driver.takeClient()
        driver.client(Text.post())
        let answer = driver.takeClient()
        #expect(answer.hasPrefix("HTTP/1.1 503 ") && answer.contains(#""code":"no_endpoint_available""#))
        #expect(answer.contains("Retry-After: 7\r\n"))
        #expect(driver.events.contains { $0.kind == .poolExhausted })
        #expect(driver.route("m")?.exhausted == 1 && driver.underWay == 0)
    }

    @Test(arguments: [SessionPolicy.Key.header("x-session-id"), .user, .client]) func aSessionStays(key: SessionPolicy.Key) {
        let strategy = Strategy.sessionSticky(SessionPolicy(key: key))
        var first: [SocketAddress?] = []
        for session in 0..<16 {
            var driver = FlowDriver(FlowDriver.pair(RetryPolicy(), strategy), client: "client-\(session)")
            var seen: Set<SocketAddress?> = []
            for _ in 0..<4 {
                driver.client(
                    Text.post(
                        #"{"model":"m","user":"user-\#(session)"}"#, fields: "X-Other: 1\r\nX-SESSION-ID:  s-\(session) \r\n"))
                seen.insert(driver.connect())
                driver.connected()
                driver.upstream(Text.answer)
            }
            #expect(seen.count == 1)
            first.append(seen.first ?? nil)
        }
        #expect(Set(first).count == 2, "sessions are spread")
    }

    @Test func saysWhatItWouldDoAndThenDoesIt() {
        let catalog = FlowDriver.pool(RetryPolicy(), .powerOfTwo)
        var driver = FlowDriver(catalog)
        driver.context.watchesDecisions = true
        for _ in 0..<50 {
            let decision = Explanation.explain(ExplainQuery(model: "chat"), driver.context)
            #expect(decision.kind == "pool" && decision.candidates.count == 2)
            driver.client(Text.ask("chat"))
            let chosen = decision.chosen.map { decision.candidates[$0].key.address }
            #expect(driver.connect() == chosen)
            driver.connected()
            driver.upstream(Text.answer)
        }
        #expect(driver.events.count { $0.kind == .decision } == 50)
        #expect(driver.events.first?.detail.hasPrefix("chat -> ") == true)
    }

    @Test func explainsWhyNot() {
        var catalog = FlowDriver.pool()
        catalog.clients = [Client(name: "out", allow: [])]
        let driver = FlowDriver(catalog)
        #expect(Explanation.explain(ExplainQuery(model: "none"), driver.context).status == 404)
        let closed = Explanation.explain(ExplainQuery(model: "chat", client: "out"), driver.context)
        #expect(closed.status == 403 && closed.chosen == nil && closed.candidates.count == 2)
    }
}
