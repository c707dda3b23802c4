import Catalog
import Control
import Glibc
import Reactor
import TLS
import TLSFixtures
import Testing

@testable import Proxy

/// Callers that come by TLS.
@Suite struct SecureGatewayTests {
    private let authority: TestAuthority
    private let callers: TestAuthority

    init() throws {
        authority = try TestAuthority()
        callers = try TestAuthority("Callers")
    }

    private func security(_ certificates: SecureListener.ClientCertificates = .off) throws -> TestSecurity {
        let identity = try authority.issue("DNS:broker.example")
        return TestSecurity(
            chain: identity.chain, key: identity.secret(),
            authorities: certificates == .off ? nil : callers.identity.chain, certificates: certificates)
    }

    private func proxy(
        _ engine: TestEngine, _ certificates: SecureListener.ClientCertificates = .off, timeouts: Timeouts = Timeouts()
    ) throws -> TestProxy {
        var policy = RoutingPolicy()
        policy.retry.attempts = 1
        var node = Node()
        node.timeouts = timeouts
        let catalog = Catalog(node: node, models: [Model(name: "m", endpoints: [engine.endpoint()], routing: policy)])
        return try TestProxy(catalog, secure: try security(certificates))
    }

    private func engine(_ body: String = "END") throws -> TestEngine { try TestEngine { $0.answer(body) } }

    @Test func requestsGoThrough() throws {
        let large = String(repeating: "0123456789abcdef", count: 20_000)
        let engine = try engine(large + "END")
        defer { engine.close() }
        let proxy = try proxy(engine)
        let client = try TestClient(protocols: ["h2", "http/1.1"])
        for round in 0..<3 {
            let caller = try SecureCaller(proxy.secureGateway, client)
            #expect(caller.shakeHands())
            #expect(caller.applicationProtocol == "http/1.1")
            #expect(caller.isResumed == (round > 0))
            for _ in 0..<3 { #expect(caller.ask("m", "END").hasSuffix(large + "END")) }
            let content = String(repeating: "x", count: 300_000)
            caller.post("m", content)
            #expect(caller.receive { $0.hasSuffix("END") }.text.hasSuffix(large + "END"))
            #expect(engine.seen.requests.last?.contains(content) == true)
        }
        #expect(try TestCaller(proxy.gateway).ask("m", "END").hasSuffix("END"))
        let statistics = try #require(proxy.statistics)
        #expect(statistics.tlsHandshakes == 3)
        #expect(statistics.tlsHandshakeFailures == 0)
    }

    @Test func smallPiecesArrive() throws {
        let engine = try TestEngine {
            $0.write("HTTP/1.1 200 OK\r\nContent-Length: 200\r\n\r\n" + String(repeating: "y", count: 197) + "END", piece: 1)
        }
        defer { engine.close() }
        let proxy = try proxy(engine)
        let caller = try SecureCaller(proxy.secureGateway, try TestClient())
        caller.step = 1
        #expect(caller.shakeHands())
        for _ in 0..<2 { #expect(caller.ask("m", "END").hasSuffix("yyyEND")) }
    }

    @Test func aSlowReaderGetsEverything() throws {
        let large = String(repeating: "0123456789abcdef", count: 1 << 20)
        let engine = try engine(large + "END")
        defer { engine.close() }
        let proxy = try proxy(engine)
        let caller = try SecureCaller(proxy.secureGateway, try TestClient(), receiveBuffer: 8192)
        #expect(caller.shakeHands())
        caller.post("m")
        // Long enough for all that the proxy would take without being asked.
        usleep(300_000)
        let (text, end) = caller.receive { $0.hasSuffix("END") }
        #expect(end == .open)
        #expect(text.hasSuffix(large + "END"))
    }

    @Test func requestsSentAheadAreAnswered() throws {
        let engine = try engine()
        defer { engine.close() }
        let proxy = try proxy(engine)
        let caller = try SecureCaller(proxy.secureGateway, try TestClient())
        #expect(caller.shakeHands())
        for _ in 0..<10 { caller.post("m") }
        var answers = 0
        while answers < 10 {
            let (text, end) = caller.receive { $0.hasSuffix("END") }
            guard end == .open else { break }
            answers += text.split(separator: "HTTP/1.1 200").count
        }
        #expect(answers == 10)
    }

    // MARK: - Ends

    @Test func aProperEndIsAnnounced() throws {
        let engine = try engine()
        defer { engine.close() }
        let proxy = try proxy(engine)
        let caller = try SecureCaller(proxy.secureGateway, try TestClient())
        #expect(caller.shakeHands())
        caller.post("m", fields: "Connection: close\r\n")
        let (text, end) = caller.receive { _ in false }
        #expect(text.hasSuffix("END"))
        #expect(end == .farewell)
    }

    @Test func aBrokenAnswerEndsWithoutAWord() throws {
        let engine = try TestEngine {
            $0.write(
                "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
                    + "f\r\ndata: {\"a\":1}\n\n\r\n")
            $0.close()
        }
        defer { engine.close() }
        let proxy = try proxy(engine)
        let caller = try SecureCaller(proxy.secureGateway, try TestClient())
        #expect(caller.shakeHands())
        caller.post("m")
        let (text, end) = caller.receive { _ in false }
        #expect(text.contains("data: {\"a\":1}"))
        #expect(text.contains("\"error\""))
        #expect(end == .cut)
    }

    @Test(arguments: [true, false])
    func callersMayGo(farewell: Bool) throws {
        let engine = try engine()
        defer { engine.close() }
        let proxy = try proxy(engine)
        let caller = try SecureCaller(proxy.secureGateway, try TestClient())
        #expect(caller.shakeHands())
        #expect(caller.ask("m", "END").hasSuffix("END"))
        caller.finish(farewell: farewell)
        #expect(caller.receive { _ in false }.end == .farewell)
        #expect(proxy.statistics?.openConnections == 0)
    }

    @Test func idleConnectionsAreDismissedWithAFarewell() throws {
        let engine = try engine()
        defer { engine.close() }
        let proxy = try proxy(engine)
        let caller = try SecureCaller(proxy.secureGateway, try TestClient())
        #expect(caller.shakeHands())
        #expect(caller.ask("m", "END").hasSuffix("END"))
        proxy.drain()
        #expect(caller.receive { _ in false }.end == .farewell)
    }

    // MARK: - Handshakes that come to nothing

    @Test(arguments: ["GET / HTTP/1.1\r\nHost: a\r\n\r\n", "PATCH /v1 HTTP/1.1\r\n"])
    func plainHTTPIsToldSo(says: String) throws {
        let engine = try engine()
        defer { engine.close() }
        let proxy = try proxy(engine)
        let caller = try TestCaller(proxy.secureGateway)
        caller.send(says)
        let (text, end) = caller.receive { _ in false }
        #expect(text.hasPrefix("HTTP/1.1 400 Bad Request\r\n"))
        #expect(text.contains("use https"))
        #expect(end == .closed)
        #expect(proxy.statistics?.tlsHandshakeFailures == 1)
        #expect(engine.seen.requests.isEmpty)
    }

    @Test func silenceHasADeadline() throws {
        let engine = try engine()
        defer { engine.close() }
        let proxy = try proxy(engine, timeouts: Timeouts(head: 300))
        let caller = try TestCaller(proxy.secureGateway)
        #expect(caller.receive { _ in false }.end != .open)
        // Bytes that come now and then do not put it off.
        let slow = try TestCaller(proxy.secureGateway)
        let start = MonotonicClock.now()
        for byte in "\u{16}\u{3}\u{1}\u{1}\u{1}\u{1}" {
            slow.send(String(byte))
            usleep(100_000)
        }
        #expect(slow.receive { _ in false }.end != .open)
        #expect(MonotonicClock.now() - start < 5_000_000_000)
        #expect(proxy.statistics?.tlsHandshakeFailures == 2)
        #expect(proxy.statistics?.openConnections == 0)
    }

    @Test func callersWithoutACertificateAreRefusedWhereItIsRequired() throws {
        let engine = try engine()
        defer { engine.close() }
        let proxy = try proxy(engine, .required)
        let stranger = try SecureCaller(proxy.secureGateway, try TestClient())
        stranger.shakeHands()
        stranger.post("m")
        #expect(stranger.receive { _ in false }.text.isEmpty)
        #expect(proxy.event(.authenticationFailed)?.detail == "the caller shows no certificate")
        let caller = try SecureCaller(
            proxy.secureGateway, try TestClient(try callers.issue(subject: [("O", "shop"), ("CN", "checkout")])))
        #expect(caller.shakeHands())
        #expect(caller.ask("m", "END").hasSuffix("END"))
        let statistics = try #require(proxy.statistics)
        #expect(statistics.tlsHandshakes == 1)
        #expect(statistics.tlsHandshakeFailures == 1)
        #expect(engine.seen.requests.count == 1)
    }

    @Test func aCertificateWithUnclearNamesIsNone() throws {
        let engine = try engine()
        defer { engine.close() }
        let proxy = try proxy(engine, .optional)
        let client = try TestClient(try callers.issue(subject: [("CN", "checkout\u{0}.evil")]))
        let caller = try SecureCaller(proxy.secureGateway, client)
        caller.shakeHands()
        caller.post("m")
        #expect(caller.receive { _ in false }.text.isEmpty)
        #expect(proxy.event(.authenticationFailed)?.reason == "certificate")
        #expect(engine.seen.requests.isEmpty)
    }

    // MARK: - Changes

    @Test func anotherCertificateIsForNewConnections() throws {
        let engine = try engine()
        defer { engine.close() }
        let proxy = try proxy(engine)
        let client = try TestClient()
        let before = try SecureCaller(proxy.secureGateway, client)
        #expect(before.shakeHands())
        #expect(before.ask("m", "END").hasSuffix("END"))
        // The same again: sessions go on.
        try proxy.reload()
        let same = try SecureCaller(proxy.secureGateway, client)
        #expect(same.shakeHands() && same.isResumed)
        try proxy.reload(secure: try security())
        let after = try SecureCaller(proxy.secureGateway, client)
        #expect(after.shakeHands() && !after.isResumed)
        for caller in [before, same, after] { #expect(caller.ask("m", "END").hasSuffix("END")) }
    }

    @Test func aBadCertificateLeavesTheOneBefore() throws {
        let engine = try engine()
        defer { engine.close() }
        let proxy = try proxy(engine)
        let client = try TestClient()
        let before = try SecureCaller(proxy.secureGateway, client)
        #expect(before.shakeHands())
        #expect(before.ask("m", "END").hasSuffix("END"))
        var bad = try security()
        bad.key = try authority.issue("DNS:other").secret()
        try proxy.reload(secure: bad)
        let after = try SecureCaller(proxy.secureGateway, client)
        #expect(after.shakeHands() && after.isResumed)
        #expect(after.ask("m", "END").hasSuffix("END"))
        // What is asked of callers changes all the same: to require certificates of authorities that are not known, nobody
        // may be let in.
        bad.certificates = .required
        try proxy.reload(secure: bad)
        #expect((try? SecureCaller(proxy.secureGateway, client))?.shakeHands() != true)
        try proxy.reload(secure: try security())
        #expect(try SecureCaller(proxy.secureGateway, client).shakeHands())
    }

    @Test func anAddressMayChangeItsManners() throws {
        let engine = try engine()
        defer { engine.close() }
        let proxy = try proxy(engine)
        let secure = proxy.secureGateway
        try proxy.reload { catalog in
            catalog.node.secureGateway = []
            catalog.node.gateway.append(secure)
        }
        #expect(try TestCaller(secure).ask("m", "END").hasSuffix("END"))
        try proxy.reload { $0.node.gateway.removeLast() }
        try proxy.reload(secure: try security())
        let caller = try SecureCaller(secure, try TestClient())
        #expect(caller.shakeHands())
        #expect(caller.ask("m", "END").hasSuffix("END"))
    }
}
