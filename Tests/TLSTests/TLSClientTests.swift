import COpenSSL
import TLS
import TLSFixtures
import Testing

/// Bytes get through, however they are cut, and only to a server that proves its name.
@Suite struct TLSClientTests {
    private static let text = Array("POST /v1/chat/completions HTTP/1.1\r\n\r\n".utf8)

    private func context(_ authority: TestAuthority, _ name: String = "engine.example") throws -> TLSContext {
        try TLSContext(serverName: name, authorities: try TLSAuthorities(file: authority.file))
    }

    /// Why the handshake fails; nil: it does not.
    private func fault(_ context: TLSContext, _ server: TestServer) throws -> TLSError? {
        let link = Link(try TLSClient(context), try server.accept())
        do {
            try link.connect()
        } catch let error as TLSError {
            return error
        }
        #expect(link.clientIsReady)
        return nil
    }

    @Test(arguments: [Int.max, 1, 7, 1000])
    func bytesGetThroughHoweverTheyAreCut(step: Int) throws {
        let authority = try TestAuthority()
        let server = try TestServer(try authority.issue("DNS:engine.example"))
        let link = Link(try TLSClient(try context(authority)), try server.accept(), step: step)
        try link.connect()
        #expect(link.clientIsReady)
        #expect(link.version == "TLSv1.3")
        #expect(link.applicationProtocol == "http/1.1")
        #expect(try link.send(Self.text) == Self.text)
        let large = (0..<100_000).map { UInt8(truncatingIfNeeded: $0 / 3) }
        #expect(try link.send(large) == large)
        let (read, end) = try link.answer(large)
        #expect(read == large)
        #expect(end == .needsMore)
        let (last, close) = try link.answer(Self.text, thenClose: true)
        #expect(last == Self.text)
        #expect(close == .end)
    }

    @Test func anOlderServerIsServed() throws {
        let authority = try TestAuthority()
        let server = try TestServer(try authority.issue("DNS:engine.example"), maxVersion: TLS1_2_VERSION)
        let link = Link(try TLSClient(try context(authority)), try server.accept())
        try link.connect()
        #expect(link.version == "TLSv1.2")
        #expect(try link.send(Self.text) == Self.text)
    }

    @Test func aServerThatIsTooOldIsNot() throws {
        let authority = try TestAuthority()
        let server = try TestServer(
            try authority.issue("DNS:engine.example"), maxVersion: TLS1_1_VERSION, minVersion: TLS1_VERSION)
        let link = Link(try TLSClient(try context(authority)), try server.accept())
        #expect(throws: TLSError.self) {
            try link.connect()
            if !link.clientIsReady { throw TLSError(.connection, "not ready") }
        }
        #expect(!link.clientIsReady)
    }

    @Test(arguments: [
        ("DNS:other.example", "engine.example"), ("DNS:engine.example", "127.0.0.1"), ("IP:127.0.0.2", "127.0.0.1"),
        ("DNS:*.example", "a.engine.example"), ("DNS:e*.example", "engine.example"), ("IP:127.0.0.1", "engine.example"),
    ])
    func aCertificateForAnotherNameIsRefused(names: String, wanted: String) throws {
        let authority = try TestAuthority()
        let error = try fault(try context(authority, wanted), try TestServer(try authority.issue(names)))
        #expect(error == TLSError(.certificate, "the server's certificate is not for \(wanted)"))
    }

    @Test(arguments: [
        ("DNS:*.engine.example", "a.engine.example"), ("DNS:a,DNS:engine.example", "ENGINE.example"),
        ("IP:127.0.0.1", "127.0.0.1"),
        ("IP:::1", "::1"),
    ])
    func namesThatFitAreTaken(names: String, wanted: String) throws {
        let authority = try TestAuthority()
        #expect(try fault(try context(authority, wanted), try TestServer(try authority.issue(names))) == nil)
    }

    @Test func timesAreHeld() throws {
        let authority = try TestAuthority()
        let old = try TestServer(try authority.issue("DNS:engine.example", from: -7200, until: -3600))
        #expect(try fault(try context(authority), old)?.description == "the server's certificate has expired")
        let new = try TestServer(try authority.issue("DNS:engine.example", from: 3600, until: 7200))
        #expect(try fault(try context(authority), new)?.description == "the server's certificate is not valid yet")
    }

    @Test func anUnknownAuthorityIsNoAuthority() throws {
        let (authority, other) = (try TestAuthority(), try TestAuthority("Somebody Else"))
        let server = try TestServer(try other.issue("DNS:engine.example"))
        #expect(try fault(try context(authority), server)?.description == "the server's certificate is from an unknown authority")
        let namesake = try TestServer(try TestAuthority().issue("DNS:engine.example"))
        let mistaken = try fault(try context(authority), namesake)
        #expect(mistaken?.description == "the server's certificate is not from the authority that it names")
        // The system's authorities do not know it, either.
        let system = try TLSContext(serverName: "engine.example", authorities: try TLSAuthorities())
        #expect(try fault(system, server)?.kind == .certificate)
        let itself = try TestServer(other.identity)
        let error = try fault(try context(authority, "Somebody Else"), itself)
        #expect(error?.description == "the server's certificate is from an unknown authority (itself)")
    }

    @Test(arguments: [TLS1_3_VERSION, TLS1_2_VERSION])
    func sessionsAreResumed(version: Int32) throws {
        let authority = try TestAuthority()
        let context = try context(authority)
        let server = try TestServer(try authority.issue("DNS:engine.example"), maxVersion: version)
        let slot = TLSSessionSlot()
        for round in 0..<4 {
            let link = Link(try TLSClient(context, sessions: slot), try server.accept())
            try link.connect()
            #expect(link.isResumed == (round > 0))
            // Tickets of TLS 1.3 come after the handshake and are taken up by a read.
            #expect(try link.answer(Self.text).0 == Self.text)
            #expect(!slot.isEmpty)
        }
        slot.forget()
        let link = Link(try TLSClient(context, sessions: slot), try server.accept())
        try link.connect()
        #expect(!link.isResumed)
    }

    @Test func aServerThatHasLostItsKeysIsMetAnew() throws {
        let authority = try TestAuthority()
        let context = try context(authority)
        let slot = TLSSessionSlot()
        for _ in 0..<2 {
            let server = try TestServer(try authority.issue("DNS:engine.example"))
            let link = Link(try TLSClient(context, sessions: slot), try server.accept())
            try link.connect()
            #expect(!link.isResumed)
            #expect(try link.answer(Self.text).0 == Self.text)
        }
    }

    @Test(arguments: ["HTTP/1.1 400 Bad Request\r\n\r\n", "SSH-2.0-OpenSSH_9.2\r\n", "\u{0}\u{0}\u{0}\u{0}\u{0}\u{0}"])
    func aServerWithoutTLSIsNamed(says: String) throws {
        let authority = try TestAuthority()
        var client = try TLSClient(try context(authority))
        let (isReady, hasOutput) = (try client.handshake(), client.hasOutput)
        #expect(!isReady && hasOutput)
        try Array(says.utf8).withUnsafeBytes { try client.feed($0) }
        #expect(throws: TLSError(.connection, "the server does not speak TLS")) { _ = try client.handshake() }
    }

    @Test func tamperingIsNoticed() throws {
        let authority = try TestAuthority()
        let server = try TestServer(try authority.issue("DNS:engine.example"))
        let link = Link(try TLSClient(try context(authority)), try server.accept())
        try link.connect()
        _ = try link.answer(Self.text)
        var bytes = try link.intercept(Self.text)
        bytes[bytes.count - 1] ^= 1
        try bytes.withUnsafeBytes { try link.client.feed($0) }
        var buffer = [UInt8](repeating: 0, count: 100)
        #expect(throws: TLSError.self) { _ = try buffer.withUnsafeMutableBytes { try link.client.read(into: $0) } }
    }

    @Test func withoutAFarewellThereIsNoEnd() throws {
        let authority = try TestAuthority()
        let server = try TestServer(try authority.issue("DNS:engine.example"))
        let link = Link(try TLSClient(try context(authority)), try server.accept())
        try link.connect()
        #expect(try link.answer(Self.text).1 == .needsMore)
        #expect(try link.answer([], thenClose: true).1 == .end)
    }

    @Test func filesThatHoldNoAuthorityAreNamed() throws {
        for file in ["/nonexistent/ca.pem", "/proc/self/status"] {
            do {
                _ = try TLSAuthorities(file: file)
                Issue.record("\(file) was read")
            } catch {
                #expect(error.description.contains(file))
                #expect(error.kind == .local)
            }
        }
        let system = try TLSAuthorities()
        #expect(throws: TLSError.self) { _ = try TLSContext(serverName: "", authorities: system) }
    }
}
