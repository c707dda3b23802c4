import COpenSSL
import TLS
import TLSFixtures
import Testing

/// A server of ours and a client of any kind with a wire between them.
private final class Call {
    var server: TLSServer
    var client: TLSMachine
    /// How many bytes reach the server at a time.
    let step: Int
    var serverIsReady = false
    var clientIsReady = false
    var serverError: TLSError?
    var clientError: TLSError?

    init(_ context: TLSServerContext, _ client: TestClient, step: Int = .max) throws {
        server = try TLSServer(context)
        self.client = try client.connect()
        self.step = step
    }

    /// Shakes hands until nothing moves any more.
    func shakeHands() {
        for _ in 0..<10 {
            do { clientIsReady = try client.handshake() } catch { clientError = clientError ?? error }
            carryToServer()
            carryToClient()
        }
    }

    func carryToServer() {
        var bytes: [UInt8] = []
        client.withOutput { bytes += $0 }
        for start in stride(from: 0, to: bytes.count, by: min(step, max(bytes.count, 1))) where serverError == nil {
            do {
                try bytes[start..<min(bytes.count, start + min(step, bytes.count))].withUnsafeBytes { try server.feed($0) }
                if !serverIsReady { serverIsReady = try server.handshake() }
            } catch {
                serverError = error as? TLSError
            }
        }
    }

    func carryToClient() {
        var bytes: [UInt8] = []
        server.withOutput { bytes += $0 }
        bytes.withUnsafeBytes { _ = try? client.feed($0) }
    }

    /// What the server reads of what the client writes.
    func send(_ text: [UInt8]) throws -> [UInt8] {
        try text.withUnsafeBytes { try client.write($0) }
        var bytes: [UInt8] = []
        client.withOutput { bytes += $0 }
        var read: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 1 << 12)
        for start in stride(from: 0, to: bytes.count, by: min(step, bytes.count)) {
            try bytes[start..<min(bytes.count, start + min(step, bytes.count))].withUnsafeBytes { try server.feed($0) }
            while case .bytes(let count) = try buffer.withUnsafeMutableBytes({ try server.read(into: $0) }) {
                read += buffer[..<count]
            }
        }
        return read
    }

    /// What the client reads of what the server writes, and how that stopped.
    func answer(_ text: [UInt8], thenClose: Bool = false) throws -> ([UInt8], TLSRead) {
        try text.withUnsafeBytes { try server.write($0) }
        if thenClose { server.close() }
        carryToClient()
        var read: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 1 << 12)
        while true {
            let result = try buffer.withUnsafeMutableBytes { try client.read(into: $0) }
            guard case .bytes(let count) = result else { return (read, result) }
            read += buffer[..<count]
        }
    }
}

/// The server's side: who is let in, by what, and what is known of them.
@Suite struct TLSServerTests {
    private static let text = Array("GET /v1/models HTTP/1.1\r\n\r\n".utf8)

    private func context(
        _ authority: TestAuthority, callers: TestAuthority? = nil, _ verification: TLSServerContext.Verification = .off
    ) throws -> TLSServerContext {
        let identity = try authority.issue("DNS:broker.example")
        return try TLSServerContext(
            chain: identity.chain + authority.identity.chain, key: identity.secret(),
            clientAuthorities: callers?.identity.chain, verification: verification)
    }

    @Test(arguments: [Int.max, 1, 7, 1000], [TLS1_3_VERSION, TLS1_2_VERSION])
    func bytesGetThroughHoweverTheyAreCut(step: Int, version: Int32) throws {
        let authority = try TestAuthority()
        let client = try TestClient(protocols: ["h2", "http/1.1"], maxVersion: version)
        let call = try Call(try context(authority), client, step: step)
        call.shakeHands()
        #expect(call.serverIsReady && call.clientIsReady)
        #expect(call.server.version == (version == TLS1_3_VERSION ? "TLSv1.3" : "TLSv1.2"))
        #expect(call.server.applicationProtocol == "http/1.1")
        #expect(try call.server.peer() == nil)
        #expect(try call.send(Self.text) == Self.text)
        let large = (0..<100_000).map { UInt8(truncatingIfNeeded: $0 / 3) }
        #expect(try call.send(large) == large)
        #expect(try call.answer(large).0 == large)
        let (last, end) = try call.answer(Self.text, thenClose: true)
        #expect(last == Self.text)
        #expect(end == .end)
    }

    @Test(arguments: [[], ["http/1.1"], ["h2", "http/1.1"], ["http/1.1", "h2"]])
    func theProtocolIsAgreedOn(protocols: [String]) throws {
        let call = try Call(try context(try TestAuthority()), try TestClient(protocols: protocols))
        call.shakeHands()
        #expect(call.serverIsReady)
        #expect(call.server.applicationProtocol == (protocols.isEmpty ? "" : "http/1.1"))
    }

    @Test(arguments: [["h2"], ["http/1.0"], ["http/1.11", "ttp/1.1"]])
    func whoSpeaksSomethingElseIsTold(protocols: [String]) throws {
        let client = try TestClient(protocols: protocols)
        let call = try Call(try context(try TestAuthority()), client)
        call.shakeHands()
        #expect(call.serverError?.description == "the caller does not speak HTTP/1.1")
        #expect(call.clientError?.description.contains("no application protocol") == true)
    }

    @Test func anOldVersionIsRefused() throws {
        let client = try TestClient(maxVersion: TLS1_1_VERSION, minVersion: TLS1_VERSION)
        let call = try Call(try context(try TestAuthority()), client)
        call.shakeHands()
        #expect(call.serverError?.description == "the caller speaks no version of TLS that is safe")
        #expect(call.clientError != nil)
    }

    @Test(arguments: [TLS1_3_VERSION, TLS1_2_VERSION])
    func callersProveThemselves(version: Int32) throws {
        let (authority, callers) = (try TestAuthority(), try TestAuthority("Callers"))
        let identity = try callers.issue(
            subject: [("O", "shop, inc"), ("CN", "checkout é")],
            names: "DNS:Checkout.Example,URI:spiffe://a/b,email:a@b.example,IP:10.1.2.3,IP:fd00::1,RID:1.2.3")
        let client = try TestClient(identity, maxVersion: version)
        let context = try context(authority, callers: callers, .required)
        for round in 0..<3 {
            let call = try Call(context, client, step: round == 0 ? 1 : .max)
            call.shakeHands()
            #expect(call.serverIsReady)
            #expect(call.server.isResumed == (round > 0))
            let peer = try #require(try call.server.peer())
            #expect(peer.subject == "CN=checkout é,O=shop\\, inc")
            #expect(
                peer.names == [
                    "dns:checkout.example", "uri:spiffe://a/b", "email:a@b.example", "ip:10.1.2.3", "ip:fd00::1",
                ])
            #expect(try call.answer(Self.text).0 == Self.text)
        }
    }

    @Test func aTicketDoesNotOutliveItsContext() throws {
        let (authority, callers) = (try TestAuthority(), try TestAuthority("Callers"))
        let client = try TestClient(try callers.issue(subject: [("CN", "a")]))
        for _ in 0..<2 {
            let call = try Call(try context(authority, callers: callers, .required), client)
            call.shakeHands()
            #expect(call.serverIsReady && !call.server.isResumed)
            _ = try call.answer(Self.text)
        }
    }

    @Test(arguments: [TLS1_3_VERSION, TLS1_2_VERSION])
    func withoutACertificateItDepends(version: Int32) throws {
        let (authority, callers) = (try TestAuthority(), try TestAuthority("Callers"))
        for verification in [TLSServerContext.Verification.optional, .required] {
            let call = try Call(try context(authority, callers: callers, verification), try TestClient(maxVersion: version))
            call.shakeHands()
            #expect(call.serverIsReady == (verification == .optional))
            if verification == .optional {
                #expect(try call.server.peer() == nil)
            } else {
                #expect(call.serverError == TLSError(.certificate, "the caller shows no certificate"))
            }
        }
        let call = try Call(try context(authority), try TestClient(try callers.issue(subject: [("CN", "a")])))
        call.shakeHands()
        #expect(call.serverIsReady)
        #expect(try call.server.peer() == nil)
    }

    @Test(arguments: [TLSServerContext.Verification.optional, .required])
    func whoCannotProveItIsRefused(verification: TLSServerContext.Verification) throws {
        let (authority, callers, others) = (try TestAuthority(), try TestAuthority("Callers"), try TestAuthority("Others"))
        let subject = [(field: "CN", value: "checkout")]
        let cases: [(TestAuthority.Identity, String)] = [
            (try others.issue(subject: subject), "the caller's certificate is from an unknown authority"),
            (
                try TestAuthority("Callers").issue(subject: subject),
                "the caller's certificate is not from the authority that it names"
            ),
            (try callers.issue(subject: subject, until: -60), "the caller's certificate has expired"),
            (try callers.issue(subject: subject, from: 600), "the caller's certificate is not valid yet"),
            (others.identity, "the caller's certificate is from an unknown authority"),
            // A server's own authority is no caller's.
            (try authority.issue("DNS:checkout"), "the caller's certificate is from an unknown authority"),
        ]
        let context = try context(authority, callers: callers, verification)
        for (identity, reason) in cases {
            let client = try TestClient(identity)
            let call = try Call(context, client)
            call.shakeHands()
            #expect(!call.serverIsReady)
            #expect(call.serverError == TLSError(.certificate, reason))
        }
    }

    @Test(arguments: [
        // A NUL, a newline and a byte beyond ASCII in a DNS name; an address of five bytes.
        "DER:30:0b:82:09:61:2e:62:00:2e:65:76:69:6c", "DER:30:05:82:03:61:0a:62", "DER:30:05:82:03:61:e9:62",
        "DER:30:07:87:05:01:02:03:04:05", "DER:30:02:82:00",
    ])
    func unclearNamesAreNotBelieved(names: String) throws {
        let (authority, callers) = (try TestAuthority(), try TestAuthority("Callers"))
        let client = try TestClient(try callers.issue(subject: [("CN", "a")], names: names))
        let call = try Call(try context(authority, callers: callers, .optional), client)
        call.shakeHands()
        #expect(call.serverIsReady)
        #expect(throws: TLSError(.certificate, "the caller's certificate has names that can't be read")) {
            _ = try call.server.peer()
        }
    }

    @Test(arguments: ["checkout\u{0}.evil", "check\nout"])
    func unclearSubjectsAreNotBelieved(name: String) throws {
        let (authority, callers) = (try TestAuthority(), try TestAuthority("Callers"))
        let client = try TestClient(try callers.issue(subject: [("O", "shop"), ("CN", name)]))
        let call = try Call(try context(authority, callers: callers, .optional), client)
        call.shakeHands()
        #expect(throws: TLSError.self) { _ = try call.server.peer() }
    }

    @Test(arguments: [
        "GET / HTTP/1.1\r\n\r\n", "\u{0}\u{0}\u{0}\u{0}\u{0}\u{0}\u{0}", "SSH-2.0-x\r\n", "\u{16}\u{3}\u{1}garbage!",
    ])
    func garbageFails(says: String) throws {
        var server = try TLSServer(try context(try TestAuthority()))
        var failed: TLSError?
        for byte in says.utf8 where failed == nil {
            do throws(TLSError) {
                try withUnsafeBytes(of: byte) { (bytes) throws(TLSError) in try server.feed(bytes) }
                let isReady = try server.handshake()
                #expect(!isReady)
            } catch {
                failed = error
            }
        }
        #expect(failed?.kind == .connection)
    }

    @Test func tamperingIsNoticed() throws {
        let call = try Call(try context(try TestAuthority()), try TestClient())
        call.shakeHands()
        try Self.text.withUnsafeBytes { try call.client.write($0) }
        var bytes: [UInt8] = []
        call.client.withOutput { bytes += $0 }
        bytes[bytes.count - 1] ^= 1
        try bytes.withUnsafeBytes { try call.server.feed($0) }
        var buffer = [UInt8](repeating: 0, count: 100)
        #expect(throws: TLSError.self) { _ = try buffer.withUnsafeMutableBytes { try call.server.read(into: $0) } }
    }

    @Test func whatCannotBeUsedIsNamed() throws {
        let authority = try TestAuthority()
        let (one, other) = (try authority.issue("DNS:a"), try authority.issue("DNS:b"))
        func fault(_ chain: String, _ key: String, _ authorities: String? = nil) -> String? {
            do throws(TLSError) {
                _ = try TLSServerContext(
                    chain: chain, key: key, clientAuthorities: authorities,
                    verification: authorities == nil ? .off : .required)
                return nil
            } catch {
                return error.description
            }
        }
        #expect(fault(one.chain, one.secret()) == nil)
        #expect(fault(one.chain, other.secret()) == "the private key is not the certificate's")
        #expect(fault("", one.secret())?.hasPrefix("cannot read the certificate: ") == true)
        #expect(fault(one.secret(), one.secret())?.hasPrefix("cannot read the certificate: ") == true)
        #expect(fault(String(one.chain.dropLast(60)), one.secret())?.hasPrefix("cannot read the certificate: ") == true)
        let half = one.chain + String(authority.identity.chain.dropLast(60))
        #expect(fault(half, one.secret())?.hasPrefix("cannot read the certificate: ") == true)
        let unreadable = "cannot read the private key: it is no key in PEM, or has a passphrase"
        #expect(fault(one.chain, "") == unreadable)
        #expect(fault(one.chain, one.chain) == unreadable)
        #expect(fault(one.chain, one.secret(passphrase: "sesame")) == unreadable)
        #expect(fault(one.chain, one.secret(), "nothing")?.hasPrefix("cannot read the authorities of callers: ") == true)
    }
}
