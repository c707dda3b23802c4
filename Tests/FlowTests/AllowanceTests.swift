import Admission
import Catalog
import Control
import Flow
import Identity
import Routing
import Telemetry
import Testing

/// What clients may use, and what they are told when that is used up.
@Suite struct AllowanceTests {
    /// A driver whose accounts are in memory of their own.
    private func driver(
        _ catalog: Catalog, workload: String = "shop", suspended: Bool = false
    ) throws -> FlowDriver {
        let memory = AccountMemory(count: catalog.accounts.count + 1)
        let page = try #require(memory.page)
        let slots = try #require(page.assign(catalog.accounts.map(\.text)))
        page.isSuspended = suspended
        let allowances = try AllowanceTable(
            catalog, page: page, slots: slots, held: HeldCounts(count: 64), sessions: SessionBook(entries: 64))
        let table = AdmissionTable(nil, slots: [], models: catalog.models.map(\.name), allowances: allowances)
        return FlowDriver(gate: catalog, workload: workload, admission: table)
    }

    private func shop(_ allowance: (inout Allowance) -> Void) -> Catalog {
        Gate.catalog { allowance(&$0.clients[2].allowance) }
    }

    @Test func aRateOfRequests() throws {
        var driver = try driver(shop { ($0.requests, $0.burst) = (Rate(1, per: .second), 1) })
        let first = driver.exchange()
        #expect(first.contains("x-ratelimit-limit-requests: 1\r\n") && first.contains("x-ratelimit-remaining-requests: 0\r\n"))
        driver.client(Text.post())
        let answer = driver.takeClient()
        #expect(
            answer.hasPrefix("HTTP/1.1 429 ") && answer.contains("Retry-After: 1\r\n")
                && answer.contains("retry-after-ms: 1000\r\n"))
        #expect(answer.contains("The client 'shop' has reached its limit on requests. Try again in 1s."))
        #expect(answer.contains("x-ratelimit-remaining-requests: 0\r\n") && !answer.contains("x-should-retry"))
        #expect(driver.clients["shop"]?.counters.rateRefused == 1)
        #expect(driver.events.last?.reason == "requests" && driver.events.last?.client == "shop")
    }

    @Test func aRateOfTokensOfOneModel() throws {
        var pair = Allowance()
        pair.outputTokens = Rate(150, per: .second)
        var driver = try driver(Gate.catalog { $0.clients[2].modelAllowances = ["m": pair] })
        driver.client(Text.post(Text.prompt))
        #expect(driver.connect() == FlowDriver.engine)
        driver.flow = Flow(driver.flow.caller, &driver.context)
        driver.client(Text.post(Text.prompt))
        let answer = driver.takeClient()
        #expect(answer.hasPrefix("HTTP/1.1 429 ") && answer.contains("\"type\":\"tokens\""))
        #expect(answer.contains("The client 'shop' on the model 'm' has reached its limit on output tokens."))
        #expect(driver.clients["shop"]?.counters.tokenRefused == 1)
    }

    @Test func requestsUnderWay() throws {
        var first = try driver(shop { $0.concurrent = 1 })
        first.client(Text.post())
        first.connected()
        var second = first
        second.flow = Flow(first.flow.caller, &second.context)
        second.client(Text.post())
        #expect(second.takeClient().contains("its limit on requests under way"))
        #expect(second.clients["shop"]?.counters.concurrencyRefused == 1)
        first.upstream(Text.answer)
        second.client(Text.post())
        #expect(second.connect() == FlowDriver.engine)
    }

    @Test func aQuotaThatIsUsedUp() throws {
        var driver = try driver(shop { $0.quotas = [Quota(1, .requests, per: .day)] })
        #expect(driver.exchange().hasPrefix("HTTP/1.1 200 "))
        driver.client(Text.post())
        let answer = driver.takeClient()
        #expect(answer.hasPrefix("HTTP/1.1 429 ") && answer.contains("\"type\":\"insufficient_quota\""))
        #expect(answer.contains("\"code\":\"insufficient_quota\"") && answer.contains("x-should-retry: false\r\n"))
        #expect(!answer.lowercased().contains("retry-after"))
        #expect(
            answer.contains(
                "The client 'shop' has used up its quota of requests for the day; the next one begins at 2026-11-22T00:00:00.000Z."
            ))
        #expect(driver.clients["shop"]?.counters.quotaRefused == 1)
    }

    @Test func aQuotaWhoseRequestsGoBehindAllOthers() throws {
        var driver = try driver(shop { $0.quotas = [Quota(1, .requests, per: .day, onExhausted: .lowPriority)] })
        _ = driver.exchange()
        #expect(!driver.takeUpstream().contains("x-modelbroker-priority"))
        _ = driver.takeActions()
        driver.client(Text.post(fields: "x-modelbroker-priority: high\r\n"))
        driver.connected()
        #expect(driver.takeUpstream().components(of: "x-modelbroker-priority: ") == ["low"])
        let actions = driver.takeActions()
        #expect(actions.contains(.prioritize(.client, 1)) && actions.contains(.prioritize(.upstream, 1)))
    }

    @Test func aQuotaThatRotates() throws {
        for (exhausted, isRotated) in [(Quota.Exhausted.rotate, true), (.reject, false)] {
            var catalog = FlowDriver.pool()
            var big = Allowance()
            big.quotas = [Quota(1, .requests, per: .day, onExhausted: exhausted)]
            catalog.clients = [Client(name: "shop", modelAllowances: ["big": big])]
            catalog.authentication = Authentication(anonymous: .deny)
            var driver = try driver(catalog)
            _ = driver.exchange(Text.ask("chat"))
            driver.client(Text.ask("chat"))
            #expect(driver.connect() == FlowDriver.engine || isRotated)
            if isRotated {
                driver.connected()
                #expect(driver.takeUpstream().hasSuffix(#""model":"small"}"#))
            } else {
                #expect(driver.takeClient().contains("insufficient_quota"))
            }
        }
    }

    @Test func aRequestThatMovesToAnotherModelIsItsClientsOnce() throws {
        for answer in [nil, Text.failure(500)] {
            var catalog = FlowDriver.pool()
            var allowance = Allowance()
            (allowance.concurrent, allowance.requests, allowance.burst) = (1, Rate(1, per: .minute), 1)
            catalog.clients = [Client(name: "shop", allowance: allowance)]
            catalog.authentication = Authentication(anonymous: .deny)
            var driver = try driver(catalog)
            driver.client(Text.ask("chat"))
            if let answer {
                driver.connected()
                _ = driver.takeActions()
                driver.upstream(answer)
            } else {
                _ = driver.takeActions()
                driver.connectFailed()
            }
            #expect(driver.connect() == FlowDriver.second)
            driver.connected()
            driver.upstream(Text.answer)
            #expect(driver.takeClient().hasPrefix("HTTP/1.1 200 "))
            driver.client(Text.ask("chat"))
            #expect(driver.takeClient().contains("its limit on requests."))
        }
    }

    @Test func nothingIsLetInUncounted() throws {
        var driver = try driver(shop { $0.quotas = [Quota(10, .requests, per: .day)] }, suspended: true)
        driver.client(Text.post())
        let answer = driver.takeClient()
        #expect(
            answer.hasPrefix("HTTP/1.1 503 ") && answer.contains("accounting_unavailable")
                && answer.contains("Retry-After: 5\r\n"))
        driver = try self.driver(shop { $0.quotas = [Quota(10, .requests, per: .day)] }, workload: "guest", suspended: true)
        driver.client(Text.post())
        #expect(driver.connect() == FlowDriver.engine)
    }

    @Test func whatOneRequestMayBe() throws {
        var driver = try driver(shop { ($0.requestBytes, $0.tokensPerRequest) = (90, 100) })
        driver.client("POST /v1/chat/completions HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 91\r\n\r\n")
        #expect(driver.takeClient().components(of: "HTTP/1.1 ") == ["413 Content Too Large"])
        driver = try self.driver(shop { ($0.requestBytes, $0.tokensPerRequest) = (90, 100) })
        driver.client(Text.post(Text.prompt))
        let answer = driver.takeClient()
        #expect(answer.hasPrefix("HTTP/1.1 400 ") && answer.contains("\"code\":\"max_tokens_exceeded\""))
        #expect(driver.clients["shop"]?.counters.otherRefused == 1)
        driver = try self.driver(Gate.catalog { $0.models[0].contextLength = 100 })
        driver.client(Text.post(Text.prompt))
        let context = driver.takeClient()
        #expect(context.hasPrefix("HTTP/1.1 400 ") && context.contains("\"code\":\"context_length_exceeded\""))
        #expect(context.contains("\"param\":\"messages\""))
    }

    @Test func sessionsAndAddresses() throws {
        var rate = Allowance()
        (rate.requests, rate.burst) = (Rate(1, per: .minute), 1)
        for key in [SessionPolicy.Key.header("X-Session"), .user] {
            let catalog = Gate.catalog {
                $0.clients[2].perSession = SessionAllowance(key: key, allowance: rate, lifetimeRequests: 1)
            }
            var driver = try driver(catalog)
            let ask = { (session: String) in
                Text.post(#"{"model":"m","user":"\#(session)"}"#, fields: "x-session: \(session)\r\n")
            }
            #expect(driver.exchange(ask("a")).hasPrefix("HTTP/1.1 200 "))
            #expect(driver.exchange(ask("b")).hasPrefix("HTTP/1.1 200 "))
            driver.client(ask("a"))
            #expect(driver.takeClient().contains("This session has"))
        }
        var driver = try driver(Gate.catalog { $0.clients[2].perAddress = rate })
        _ = driver.exchange()
        driver.client(Text.post())
        #expect(driver.takeClient().contains("This address has reached its limit on requests."))
    }

    @Test func otherInterfacesSayItPlainly() throws {
        let catalog = Gate.catalog { catalog in
            catalog.clients[2].allowance.requests = Rate(0, per: .second)
            for index in 0..<2 { catalog.models[0].endpoints[index].engine = .raw }
        }
        for path in ["/api/chat", "/v2/models/m/infer"] {
            var driver = try driver(catalog)
            driver.client(Text.post(path: path))
            #expect(driver.takeClient().contains("\r\n\r\n{\"error\":\"The client 'shop' has reached a limit of zero"))
        }
    }

    @Test func itIsExplained() throws {
        let catalog = shop { $0.quotas = [Quota(1, .requests, per: .day)] }
        var driver = try driver(catalog)
        _ = driver.exchange()
        var query = ExplainQuery(model: "m", client: "shop", headers: [], user: "", prompt: "")
        let exhausted = Explanation.explain(query, driver.context)
        #expect(exhausted.status == 429 && exhausted.chosen == nil && exhausted.refusal.contains("has used up its quota"))
        #expect(exhausted.stages.contains("client: shop"))
        query.client = ""
        let nobody = Explanation.explain(query, driver.context)
        #expect(nobody.status == 401 && nobody.stages.contains("client: nobody, who is refused"))
        query = ExplainQuery(model: "hidden", client: "shop", headers: [], user: "", prompt: "")
        let closed = Explanation.explain(query, driver.context)
        #expect(closed.status == 403 && closed.stages.contains("access: hidden is closed"))
    }
}
