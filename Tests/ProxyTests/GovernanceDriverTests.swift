import Admission
import Catalog
import Control
import Flow
import Glibc
import Identity
import Reactor
import Routing
import TLSFixtures
import Telemetry
import Testing

@testable import Proxy

/// Who calls and how much, over sockets.
@Suite struct GovernanceDriverTests {
    private static let secret = "a secret of more than thirty-two bytes, for HS256"
    /// Signed with `secret`, good until the year 2100, with the subject `checkout`, and with one that is nobody's.
    private static let token =
        "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJpc3MiOiJodHRwczovL3Nzby5leGFtcGxlIiwiYXVkIjoibW9kZWxicm9rZXIiLCJzdWIiOiJjaGVja291dCIsImV4cCI6NDEwMjQ0NDgwMH0.mHEjvdraC2ILZ5bcciA8787LNbavE79sFt7ld_r_jek"
    private static let strangersToken =
        "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJpc3MiOiJodHRwczovL3Nzby5leGFtcGxlIiwiYXVkIjoibW9kZWxicm9rZXIiLCJzdWIiOiJub2JvZHkiLCJleHAiOjQxMDI0NDQ4MDB9.8Uoq20fXQIgyP28OEHUG6UaCuwqqrbmAwrAscrNFXdU"

    private func catalog(_ engine: TestEngine, _ change: (inout Client) -> Void = { _ in }) -> Catalog {
        var client = Client(name: "checkout")
        client.certificates = ["CN=checkout,O=shop"]
        client.tokens = [TokenMatch(issuer: "corp", claims: ["sub": ["checkout"]])]
        change(&client)
        var policy = RoutingPolicy()
        policy.retry.attempts = 1
        var catalog = Catalog(models: [Model(name: "m", endpoints: [engine.endpoint()], routing: policy)], clients: [client])
        catalog.authentication = Authentication(
            anonymous: .deny,
            issuers: [
                Issuer(
                    name: "corp", issuer: "https://sso.example", audience: ["modelbroker"], algorithms: [.hs256],
                    keys: .secret(Secret(Self.secret)))
            ])
        return catalog
    }

    private var credentials: Credentials {
        Credentials(keySets: [KeySet(issuer: "corp", form: .secret, document: Secret(Self.secret))])
    }

    /// The status of one request's answer.
    private func status(_ proxy: TestProxy, _ fields: String = "", content: String = "hello") throws -> String {
        let caller = try TestCaller(proxy.gateway)
        caller.post("m", content, fields: "Connection: close\r\n" + fields)
        return String(caller.receive { _ in false }.text.dropFirst(9).prefix(3))
    }

    // MARK: - Who calls

    @Test func certificatesNameTheirClient() throws {
        let engine = try TestEngine { $0.answer("END") }
        defer { engine.close() }
        let (authority, callers) = (try TestAuthority(), try TestAuthority("Callers"))
        let identity = try authority.issue("DNS:broker.example")
        let security = TestSecurity(
            chain: identity.chain, key: identity.secret(), authorities: callers.identity.chain, certificates: .optional)
        let proxy = try TestProxy(catalog(engine), secure: security)
        let client = try TestClient(try callers.issue(subject: [("O", "shop"), ("CN", "checkout")]))
        for round in 0..<2 {
            let caller = try SecureCaller(proxy.secureGateway, client)
            #expect(caller.shakeHands())
            #expect(caller.ask("m", "END").hasPrefix("HTTP/1.1 200"))
            #expect(caller.isResumed == (round > 0))
        }
        let others = [nil, try callers.issue(subject: [("O", "shop"), ("CN", "other")])]
        for other in others {
            let caller = try SecureCaller(proxy.secureGateway, try TestClient(other))
            #expect(caller.shakeHands())
            caller.post("m", fields: "Connection: close\r\n")
            #expect(caller.receive { _ in false }.text.hasPrefix("HTTP/1.1 401"))
        }
        #expect(try status(proxy) == "401")
        let statistics = try #require(proxy.statistics)
        #expect(statistics.unauthenticated == 3)
        #expect(statistics.clients.map(\.name) == ["checkout"])
        #expect(statistics.clients.first?.counters.requests == 2)
        #expect(engine.seen.requests.count == 2)
    }

    @Test func tokensAreCheckedOnce() throws {
        let engine = try TestEngine { $0.answer("END") }
        defer { engine.close() }
        let proxy = try TestProxy(catalog(engine), loops: 2, credentials: credentials)
        for _ in 0..<20 {
            #expect(try status(proxy, "Authorization: Bearer \(Self.token)\r\n") == "200")
            #expect(try status(proxy, "Authorization: Bearer \(Self.strangersToken)\r\n") == "401")
        }
        #expect(engine.seen.requests.count == 20)
        #expect(engine.seen.requests.allSatisfy { !$0.contains("Bearer") })
        let checked = try #require(proxy.statistics).tokensChecked
        // Once in each loop that got one.
        #expect((2...4).contains(checked))
        // Another configuration, another check: with a key that is another, it is a token of nobody's.
        let key = KeySet(issuer: "corp", form: .secret, document: Secret("another secret of more than thirty-two bytes"))
        try proxy.reload(credentials: Credentials(keySets: [key]))
        #expect(try status(proxy, "Authorization: Bearer \(Self.token)\r\n") == "401")
    }

    @Test func aCallerMayGoWhileItsTokenIsChecked() throws {
        let engine = try TestEngine { $0.answer("END") }
        defer { engine.close() }
        let proxy = try TestProxy(catalog(engine), credentials: credentials)
        for number in 0..<200 {
            let caller = try TestCaller(proxy.gateway)
            // Each another one, so that none is known.
            caller.post("m", fields: "Authorization: Bearer \(Self.token)\(number)\r\n")
        }
        #expect(try status(proxy, "Authorization: Bearer \(Self.token)\r\n") == "200")
        let deadline = MonotonicClock.now() + 10_000_000_000
        while proxy.statistics?.openConnections != 0, MonotonicClock.now() < deadline { usleep(10_000) }
        #expect(proxy.statistics?.openConnections == 0)
        #expect(engine.seen.requests.count == 1)
    }

    @Test func firewallRulesHold() throws {
        let engine = try TestEngine { $0.answer("END") }
        defer { engine.close() }
        var catalog = catalog(engine)
        catalog.authentication = Authentication()
        catalog.clients = []
        catalog.firewall = [FirewallRule(name: "no-large", bodyAbove: 1000)]
        let proxy = try TestProxy(catalog, loops: 2)
        for _ in 0..<4 {
            #expect(try status(proxy) == "200")
            #expect(try status(proxy, content: String(repeating: "x", count: 2000)) == "403")
        }
        catalog.firewall = [FirewallRule(name: "broken", path: "(")]
        let broken = catalog.firewall
        #expect(throws: ApplyError.self) { try proxy.reload { $0.firewall = broken } }
        #expect(try status(proxy, content: String(repeating: "x", count: 2000)) == "403")
    }

    // MARK: - How much

    @Test func quotasAreCountedInTheSharedPage() throws {
        let engine = try TestEngine { $0.answer("END") }
        defer { engine.close() }
        let accounts = try TestAccounts(count: 0)
        let catalog = catalog(engine) { client in
            client.allowance.quotas = [Quota(3, .requests, per: .day)]
        }
        let names = catalog.accounts.map(\.text)
        let slots = try accounts.grow(to: 4, names)
        let proxy = try TestProxy(catalog, loops: 2, credentials: credentials, accounts: accounts, slots: slots)
        let fields = "Authorization: Bearer \(Self.token)\r\n"
        for _ in 0..<3 { #expect(try status(proxy, fields) == "200") }
        #expect(try status(proxy, fields) == "429")
        #expect(accounts.page.announced == 4)
        // More accounts than there was room for: the page grows, and what was used stays used.
        let more = try accounts.grow(to: 200, names + (0..<150).map { "day.requests client=other\($0)" })
        try proxy.reload(accountSlots: Array(more.prefix(names.count)))
        #expect(try status(proxy, fields) == "429")
        try proxy.reload { $0.clients[0].allowance.quotas = [Quota(5, .requests, per: .day)] }
        for _ in 0..<2 { #expect(try status(proxy, fields) == "200") }
        #expect(try status(proxy, fields) == "429")
        #expect(engine.seen.requests.count == 5)
    }

    @Test func aPageThatIsNoneLimitsNothing() throws {
        let engine = try TestEngine { $0.answer("END") }
        defer { engine.close() }
        let catalog = catalog(engine) { $0.allowance.quotas = [Quota(1, .requests, per: .day)] }
        let proxy = try TestProxy(catalog, credentials: credentials, slots: [1])
        for _ in 0..<3 { #expect(try status(proxy, "Authorization: Bearer \(Self.token)\r\n") == "200") }
    }

    @Test(arguments: [false, true], [true, false])
    func whatAnAbortedStreamUsedIsKnown(isSecure: Bool, saysUsage: Bool) throws {
        let engine = try TestEngine {
            let piece = "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"x\"}}]}\n\n"
            let usage = "data: {\"choices\":[],\"usage\":{\"prompt_tokens\":5,\"completion_tokens\":7}}\n\ndata: [DONE]\n\n"
            $0.write("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n" + piece)
            // As engines do: they stop when their connection is half closed, and say what it came to.
            _ = $0.readRequest()
            if saysUsage { $0.write(usage) }
            $0.close()
        }
        defer { engine.close() }
        let identity = try TestAuthority().issue("DNS:broker.example")
        let accounts = try TestAccounts(count: 0)
        let catalog = catalog(engine) { $0.allowance.quotas = [Quota(1_000_000, .tokens, per: .day)] }
        let slots = try accounts.grow(to: 4, catalog.accounts.map(\.text))
        let proxy = try TestProxy(
            catalog, secure: TestSecurity(chain: identity.chain, key: identity.secret()), credentials: credentials,
            accounts: accounts, slots: slots)
        let fields = "Authorization: Bearer \(Self.token)\r\n"
        if isSecure {
            let caller = try SecureCaller(proxy.secureGateway, try TestClient())
            #expect(caller.shakeHands())
            caller.post("m", fields: fields)
            #expect(caller.receive { $0.contains("content") }.end == .open)
        } else {
            let caller = try TestCaller(proxy.gateway)
            caller.post("m", fields: fields)
            #expect(caller.receive { $0.contains("content") }.end == .open)
        }
        let deadline = MonotonicClock.now() + 10_000_000_000
        while proxy.statistics?.openConnections != 0, MonotonicClock.now() < deadline { usleep(10_000) }
        let statistics = try #require(proxy.statistics)
        #expect(statistics.openConnections == 0)
        let counters = try #require(statistics.clients.first?.counters)
        #expect(counters.active == 0)
        if saysUsage {
            #expect(counters.inputTokens == 5)
            #expect(counters.outputTokens == 7)
        } else {
            #expect(counters.outputTokens < 7)
        }
        // The connection is as good for others as ever.
        #expect(engine.seen.connections == 1)
    }

    // MARK: - What is written down

    @Test func decisionsAreWrittenDown() throws {
        let engine = try TestEngine { $0.answer("END") }
        defer { engine.close() }
        var catalog = catalog(engine)
        catalog.audit = Audit(sink: .standardOutput)
        let proxy = try TestProxy(catalog, credentials: credentials)
        // Nobody takes lines yet.
        #expect(try status(proxy) == "401")
        let path = "/tmp/modelbroker-audit-\(getpid())-\(UInt64.random(in: 0 ... .max))"
        defer { unlink(path) }
        proxy.writeAudit(to: Descriptor(owning: open(path, O_CREAT | O_WRONLY | O_APPEND | O_CLOEXEC, 0o600)))
        #expect(try status(proxy, "Authorization: Bearer \(Self.token)\r\n") == "200")
        #expect(try status(proxy) == "401")
        let deadline = MonotonicClock.now() + 10_000_000_000
        while proxy.statistics?.auditLines != 2, MonotonicClock.now() < deadline { usleep(10_000) }
        let file = open(path, O_RDONLY)
        defer { _ = close(file) }
        var buffer = [UInt8](repeating: 0, count: 1 << 16)
        let text = String(decoding: buffer[..<max(0, read(file, &buffer, buffer.count))], as: UTF8.self)
        let lines = text.split(separator: "\n")
        #expect(lines.count == 2)
        #expect(lines.first?.contains(#""client":"checkout","auth":"token""#) == true)
        #expect(lines.first?.contains(#""decision":"allow""#) == true)
        #expect(lines.last?.contains(#""decision":"deny""#) == true)
        #expect(lines.last?.contains(#""status":401"#) == true)
        #expect(!text.contains("eyJ"))
        #expect(proxy.statistics?.auditDropped == 0)
    }

    // MARK: - Priority

    @Test func whatMayWaitComesBehindUntilItIsReleased() throws {
        let outbox = try Outbox()
        var group = try LoopGroup(outbox)
        let configuration = try group.configuration(ProxySettings(generation: 1, catalog: Catalog(), hostNetnsCookie: 0))
        let shared = RoutingShared()
        let start = WorkerThread.Start(
            mailbox: try Mailbox(), outbox: outbox, audit: try AuditWriter(), desk: TokenDesk(), configuration: configuration,
            shared: shared, room: WaitingRoom(shared), loop: 0, loops: 1)
        let worker = try Worker(start, seed: 1)
        let listener = try Socket.listen(SocketAddress(ip: IPAddress(v4: 127, 0, 0, 1), port: 0))
        let upstream = try worker.open(SocketAddress(localOf: listener.number), tls: 0, nil)
        let number = upstream.descriptor.number
        Socket.setPriority(number, 6)
        upstream.priority = Socket.priority(number)
        #expect(upstream.priority == 6)
        Socket.setPriority(number, Worker.lowPriority)
        #expect(Socket.priority(number) == 1)
        worker.restorePriority(upstream)
        #expect(Socket.priority(number) == 6)
        #expect(upstream.priority == nil)
    }
}
