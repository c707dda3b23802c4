import Catalog
import Control
import Flow
import Identity
import Routing
import Telemetry
import Testing

/// Who a request is from, whatever proves it, and who is turned away.
@Suite struct IdentityTests {
    enum Wanted: Sendable, CustomStringConvertible {
        case client(String)
        case refused(Int, String)

        var description: String {
            switch self {
            case .client(let name): name
            case .refused(let status, let code): "\(status) \(code)"
            }
        }
    }

    static func bearer(_ key: String) -> String { "Authorization: Bearer \(key)\r\n" }

    /// Credentials, workload, who it is at the gateway and captured, where nobody may be nobody.
    static let cases: [(fields: String, workload: String, gateway: Wanted, captured: Wanted)] = [
        ("", "", .refused(401, "invalid_api_key"), .refused(401, "invalid_api_key")),
        ("", "shop", .client("shop"), .client("shop")),
        (bearer(Gate.checkout), "", .client("checkout"), .client("checkout")),
        ("api-key: \(Gate.checkout)\r\n", "", .client("checkout"), .client("checkout")),
        ("X-API-Key: \(Gate.batch)\r\n", "", .client("batch"), .client("batch")),
        (bearer(Gate.checkout), "checkout", .client("checkout"), .client("checkout")),
        (bearer(Gate.checkout), "shop", .refused(403, "identity_conflict"), .refused(403, "identity_conflict")),
        (bearer(Gate.foreign), "", .refused(401, "invalid_api_key"), .refused(401, "invalid_api_key")),
        (bearer(Gate.foreign), "shop", .refused(401, "invalid_api_key"), .client("shop")),
        (bearer("short"), "shop", .refused(401, "invalid_api_key"), .client("shop")),
        (bearer(Gate.expired), "", .refused(401, "invalid_api_key"), .refused(401, "invalid_api_key")),
        (bearer(Gate.expired), "shop", .refused(401, "invalid_api_key"), .refused(401, "invalid_api_key")),
        (bearer(Gate.early), "shop", .refused(401, "invalid_api_key"), .refused(401, "invalid_api_key")),
        ("Authorization: Basic eDp5\r\n", "", .refused(401, "invalid_api_key"), .refused(401, "invalid_api_key")),
        ("Authorization: Basic eDp5\r\n", "shop", .client("shop"), .client("shop")),
        ("Authorization: Bearer \r\n", "shop", .client("shop"), .client("shop")),
        (
            bearer(Gate.checkout) + "api-key: \(Gate.checkout)\r\n", "", .client("checkout"), .client("checkout")
        ),
        (
            bearer(Gate.checkout) + "api-key: \(Gate.batch)\r\n", "", .refused(401, "invalid_api_key"),
            .refused(401, "invalid_api_key")
        ),
    ]

    @Test(arguments: cases.indices, [FlowRecord.Entrance.gateway, .capture])
    func everyProofHasItsAnswer(index: Int, entrance: FlowRecord.Entrance) {
        let (fields, workload, gateway, captured) = Self.cases[index]
        var driver = FlowDriver(gate: Gate.catalog(), entrance, workload: workload)
        driver.client(Text.post(fields: fields))
        expect(entrance == .gateway ? gateway : captured, &driver, "\(fields) \(workload)")
    }

    private func expect(_ wanted: Wanted, _ driver: inout FlowDriver, _ comment: String) {
        switch wanted {
        case .client(let name):
            #expect(driver.connect() == FlowDriver.engine, "\(comment)")
            driver.connected()
            let sent = driver.takeUpstream()
            #expect(sent.contains("x-modelbroker-client: \(name)\r\n"), "\(comment)")
            #expect(!sent.contains("uthorization") && !sent.lowercased().contains("api-key"), "\(comment)")
            #expect(driver.clients[name]?.counters.active == 1 && driver.clients[name]?.counters.requests == 1)
            driver.upstream(Text.answer)
            #expect(driver.clients[name]?.counters.active == 0 && driver.takeClient().hasPrefix("HTTP/1.1 200 "))
        case .refused(let status, let code):
            let answer = driver.takeClient()
            #expect(answer.hasPrefix("HTTP/1.1 \(status) ") && answer.contains("\"code\":\"\(code)\""), "\(comment)")
            #expect(answer.contains("WWW-Authenticate: Bearer") == (status == 401), "\(comment)")
            #expect(driver.connect() == nil && driver.takeUpstream().isEmpty)
            let kind: ProxyEvent.Kind = status == 401 ? .authenticationFailed : .identityConflict
            #expect(driver.events.map(\.kind) == [kind] && driver.events.first?.reason == code, "\(comment)")
            let totals = driver.context.ledger.statistics()
            #expect(totals.unauthenticated == (status == 401 ? 1 : 0) && totals.identityConflicts == (status == 401 ? 0 : 1))
        }
    }

    @Test func theRuleSaysWhoWins() {
        for (conflict, wanted) in [(CaptureRule.Conflict.workload, "shop"), (.credentials, "checkout")] {
            var driver = FlowDriver(gate: Gate.catalog(), .capture, workload: "shop", onConflict: conflict)
            driver.client(Text.post(fields: Self.bearer(Gate.checkout)))
            driver.connected()
            #expect(driver.takeUpstream().contains("x-modelbroker-client: \(wanted)\r\n"))
            // At the gateway no rule speaks for anybody.
            driver = FlowDriver(gate: Gate.catalog(), .gateway, workload: "shop", onConflict: conflict)
            driver.client(Text.post(fields: Self.bearer(Gate.checkout)))
            #expect(driver.takeClient().hasPrefix("HTTP/1.1 403 "))
        }
    }

    @Test func whoeverProvesNothingIsAnonymous() {
        let catalog = Gate.catalog(anonymous: .client("guest"))
        var driver = FlowDriver(gate: catalog)
        driver.client(Text.post())
        driver.connected()
        #expect(driver.takeUpstream().contains("x-modelbroker-client: guest\r\n"))
        driver = FlowDriver(gate: catalog)
        driver.client(Text.post(fields: Self.bearer(Gate.foreign)))
        #expect(driver.takeClient().hasPrefix("HTTP/1.1 401 "), "a wrong key is no way to be anonymous")
        driver = FlowDriver(gate: catalog, .capture)
        driver.client(Text.post(fields: Self.bearer(Gate.foreign)))
        driver.connected()
        #expect(driver.takeUpstream().contains("x-modelbroker-client: guest\r\n"))
    }

    @Test func certificatesProveTheLast() {
        var driver = FlowDriver(gate: Gate.catalog())
        driver.flow.presented(CertificateFacts(subject: "CN=x", names: ["dns:batch.shop"]))
        driver.client(Text.post())
        driver.connected()
        #expect(driver.takeUpstream().contains("x-modelbroker-client: batch\r\n"))
        driver.upstream(Text.answer)
        driver.client(Text.post(fields: Self.bearer(Gate.batch)))
        driver.connected()
        driver.upstream(Text.answer)
        _ = driver.takeClient()
        driver.client(Text.post(fields: Self.bearer(Gate.checkout)))
        #expect(driver.takeClient().contains("identity_conflict"))
    }

    @Test func eachRequestOfAConnectionIsItsSendersOwn() {
        var driver = FlowDriver(gate: Gate.catalog())
        for (key, name) in [(Gate.checkout, "checkout"), (Gate.batch, "batch")] {
            driver.client(Text.post(fields: Self.bearer(key)))
            driver.connected()
            #expect(driver.takeUpstream().contains("x-modelbroker-client: \(name)\r\n") && driver.flow.client == name)
            driver.upstream(Text.answer)
        }
        _ = driver.takeClient()
        driver.client(Text.post())
        #expect(driver.takeClient().hasPrefix("HTTP/1.1 401 "))
    }

    @Test func whatIsSpoofedIsNobodys() {
        var driver = FlowDriver(gate: Gate.catalog(), workload: "shop")
        driver.client(
            Text.post(
                fields:
                    "x-modelbroker-client: batch\r\nX-ModelBroker-Priority: high\r\nX-Service-Group: batch\r\nX-Forwarded-For: ::1\r\n"
            ))
        driver.connected()
        let sent = driver.takeUpstream()
        #expect(sent.contains("x-modelbroker-client: shop\r\n") && !sent.contains("batch") && !sent.contains("high"))
    }

    @Test func whatIsRelayedIsNotAskedAndNotChanged() {
        var driver = FlowDriver(gate: Gate.catalog(), .capture)
        let request = Text.post(#"{"model":"elsewhere"}"#, fields: Self.bearer(Gate.expired) + "x-modelbroker-client: a\r\n")
        driver.client(request)
        #expect(driver.connect() == FlowDriver.dialled)
        driver.connected()
        #expect(driver.takeUpstream() == request)
    }

    @Test func whatIsAnsweredHereIsAskedToo() {
        for path in ["/v1/models", "/v1/models/m", "/v2", "/api/tags", "/v1/nowhere"] {
            var driver = FlowDriver(gate: Gate.catalog())
            driver.client("GET \(path) HTTP/1.1\r\nHost: a\r\n\r\n")
            let answer = driver.takeClient()
            #expect(answer.hasPrefix("HTTP/1.1 401 "), "\(path)")
            #expect(answer.hasSuffix("}") && answer.contains(path.hasPrefix("/v1") ? "\"type\"" : "{\"error\":\"You"), "\(path)")
        }
    }

    @Test func nobodysLargeBodyIsNotWaitedFor() {
        var driver = FlowDriver(gate: Gate.catalog())
        driver.client(
            "POST /v1/chat/completions HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: 100000\r\n\r\n{")
        #expect(driver.takeClient().hasPrefix("HTTP/1.1 401 ") && driver.takeActions().last == .close(.client))
        driver = FlowDriver(gate: Gate.catalog())
        driver.client("POST /v1/chat/completions HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 10\r\n\r\n")
        #expect(driver.takeClient().hasPrefix("HTTP/1.1 401 "))
    }

    @Test func withoutClientsNobodyIsAsked() {
        var driver = FlowDriver(gate: FlowDriver.pair())
        driver.client(Text.post(fields: Self.bearer("anything-at-all-0123456789")))
        driver.connected()
        let sent = driver.takeUpstream()
        #expect(!sent.contains("anything-at-all") && !sent.contains("x-modelbroker-client"))
    }

    @Test func credentialsGoOnOnlyWhereTheyMay() {
        var catalog = Gate.catalog()
        for index in 0..<2 { catalog.models[0].endpoints[index].forwardsCredentials = true }
        var driver = FlowDriver(gate: catalog)
        let fields = Self.bearer(Gate.checkout) + "x-api-key: \(Gate.checkout)\r\nProxy-Authorization: Basic x\r\nCookie: a=b\r\n"
        driver.client(Text.post(fields: fields))
        driver.connected()
        let sent = driver.takeUpstream()
        #expect(sent.contains(Self.bearer(Gate.checkout)) && sent.contains("x-api-key: \(Gate.checkout)\r\n"))
        #expect(sent.contains("Cookie: a=b\r\n") && !sent.contains("Proxy-"))
    }

    @Test func aReloadFollowsTheClientNotItsNumber() {
        var catalog = Gate.catalog()
        catalog.models[0].routing.retry.attempts = 3
        var driver = FlowDriver(gate: catalog)
        driver.client(Text.post(fields: Self.bearer(Gate.batch)))
        driver.connected()
        _ = driver.takeActions()
        var next = catalog
        next.clients.removeFirst()
        next.clients.append(Client(name: "other", deny: ["m"]))
        driver.adopt(gate: next)
        driver.upstream(Text.failure(500))
        #expect(driver.connect() == FlowDriver.second)
        driver.connected()
        _ = driver.takeUpstream()
        driver.upstream(Text.answer)
        #expect(driver.clients["batch"]?.counters.active == 0)
    }

    @Test func eventsOfFailuresAreLimited() {
        var driver = FlowDriver(gate: Gate.catalog())
        for _ in 0..<20 { driver.client(Text.post()) }
        #expect(driver.events.count == 5 && driver.events.allSatisfy { $0.kind == .authenticationFailed })
    }
}
