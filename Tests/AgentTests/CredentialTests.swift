import Catalog
import Control
import Glibc
import Logging
import Synchronization
import TLSFixtures
import Testing

@testable import Agent

@Suite struct CredentialTests {
    private static let good =
        "{\"keys\":[{\"kty\":\"RSA\",\"kid\":\"1\",\"alg\":\"RS256\",\"use\":\"sig\",\"n\":\"\(modulus)\",\"e\":\"AQAB\"}]}"
    private static let modulus =
        "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw"

    private static var quiet: Logger {
        var logger = Logger(label: "test")
        logger.logLevel = .critical
        return logger
    }

    private func catalog(_ keys: Issuer.Keys, _ listeners: [SecureListener] = []) -> Catalog {
        let issuer = Issuer(name: "corp", issuer: "https://sso", algorithms: [.rs256], keys: keys)
        return Catalog(
            node: Node(secureGateway: listeners), authentication: Authentication(anonymous: .deny, issuers: [issuer]))
    }

    private func listener(_ scratch: Scratch, port: UInt16 = 8443) -> SecureListener {
        SecureListener(
            address: SocketAddress(ip: IPAddress(v4: 127, 0, 0, 1), port: port), certificateFile: scratch["crt"],
            keyFile: scratch["key"])
    }

    private func write(_ identity: TestAuthority.Identity, to scratch: Scratch, key: Bool = true) throws {
        try scratch.write(identity.chain, to: "crt")
        if key { try scratch.write(identity.secret(), to: "key") }
    }

    @Test func filesAreReadAtOnceAndAgainWhenTheyChange() throws {
        let scratch = try Scratch()
        try scratch.write(Self.good, to: "jwks")
        let changes = Mutex(0)
        let keeper = CredentialKeeper(hub: EventHub(), logger: Self.quiet) { changes.withLock { $0 += 1 } }
        let catalog = catalog(.file(scratch["jwks"]))
        keeper.adopt(catalog)
        let set = KeySet(issuer: "corp", form: .jwks, document: Secret(Self.good))
        #expect(keeper.credentials(for: catalog) == Credentials(keySets: [set]))
        keeper.look()
        #expect(changes.withLock { $0 } == 0)
        try scratch.write(Self.good + " ", to: "jwks")
        keeper.look()
        #expect(changes.withLock { $0 } == 1)
        #expect(keeper.credentials(for: catalog).keySets.first?.document.reveal == Self.good + " ")
    }

    @Test(arguments: ["garbage", "{\"keys\":[]}", "{\"keys\":[{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"a\",\"y\":\"b\"}]}", ""])
    func theLastGoodFileStays(bad: String) throws {
        let scratch = try Scratch()
        try scratch.write(Self.good, to: "jwks")
        let hub = EventHub()
        let keeper = CredentialKeeper(hub: hub, logger: Self.quiet) {}
        let catalog = catalog(.file(scratch["jwks"]))
        keeper.adopt(catalog)
        try scratch.write(bad, to: "jwks")
        for _ in 0..<3 { keeper.look() }
        #expect(keeper.credentials(for: catalog).keySets.first?.document.reveal == Self.good)
        #expect(hub.last(10).map(\.kind) == [.credentialsStale])
        #expect(hub.last(1).first?.detail?.hasSuffix("the last good one stays in use") == true)
        #expect(keeper.faults.count == 1)
        unlink(scratch["jwks"])
        for _ in 0..<3 { keeper.look() }
        #expect(keeper.credentials(for: catalog).keySets.count == 1)
        try scratch.write(Self.good, to: "jwks")
        keeper.look()
        #expect(hub.last(1).first?.kind == .credentialsRenewed && keeper.faults.isEmpty)
    }

    @Test func aPairThatDoesNotMatchIsNotShown() throws {
        let scratch = try Scratch()
        let authority = try TestAuthority()
        let (first, second) = (try authority.issue("DNS:a"), try authority.issue("DNS:b"))
        try write(first, to: scratch)
        let hub = EventHub()
        let keeper = CredentialKeeper(hub: hub, logger: Self.quiet) {}
        let catalog = catalog(.secret(Secret("0123456789abcdef")), [listener(scratch)])
        keeper.adopt(catalog)
        #expect(keeper.credentials(for: catalog).certificates.first?.chain == first.chain)
        // One file after the other, as they are replaced.
        try write(second, to: scratch, key: false)
        keeper.look()
        #expect(hub.last(10).isEmpty, "that may be over in a second")
        #expect(keeper.credentials(for: catalog).certificates.first?.chain == first.chain)
        try write(second, to: scratch)
        keeper.look()
        #expect(keeper.credentials(for: catalog).certificates.first?.chain == second.chain)
        #expect(hub.last(10).map(\.kind) == [.credentialsRenewed])
        try write(first, to: scratch, key: false)
        for _ in 0..<3 { keeper.look() }
        #expect(hub.last(10).map(\.kind) == [.credentialsRenewed, .credentialsStale])
        #expect(keeper.credentials(for: catalog).certificates.first?.chain == second.chain)
    }

    @Test func aListenerWithoutACertificateIsLeftOutAndTheRestServes() throws {
        let (scratch, empty) = (try Scratch(), try Scratch())
        let authority = try TestAuthority()
        try write(try authority.issue("DNS:a"), to: scratch)
        let hub = EventHub()
        let keeper = CredentialKeeper(hub: hub, logger: Self.quiet) {}
        let catalog = catalog(.secret(Secret("0123456789abcdef")), [listener(empty, port: 1), listener(scratch, port: 2)])
        keeper.adopt(catalog)
        let serving = catalog.serving(keeper.credentials(for: catalog))
        #expect(serving.node.secureGateway.map(\.address.port) == [2])
        #expect(serving.authentication == catalog.authentication)
        #expect(hub.last(10).map(\.kind) == [.credentialsStale])
        try write(try authority.issue("DNS:a"), to: empty)
        keeper.look()
        #expect(catalog.serving(keeper.credentials(for: catalog)) == catalog)
    }

    /// A configuration that is turned down finds those of the one before as they were.
    @Test func whatTheCatalogueBeforeHadStaysUntilTheNewOneIsInForce() throws {
        let scratch = try Scratch()
        try scratch.write(Self.good, to: "jwks")
        let keeper = CredentialKeeper(hub: EventHub(), logger: Self.quiet) {}
        let (old, new) = (catalog(.file(scratch["jwks"])), catalog(.secret(Secret("0123456789abcdef"))))
        keeper.adopt(old)
        keeper.adopt(new)
        unlink(scratch["jwks"])
        keeper.adopt(old)
        #expect(keeper.credentials(for: old).keySets.first?.form == .jwks)
        keeper.settle(new)
        #expect(keeper.credentials(for: old).keySets.isEmpty)
        #expect(keeper.credentials(for: new).keySets.first?.form == .secret)
    }

    /// What was fetched from the same place serves until it is fetched again, which may take as long as its server likes.
    @Test func fetchingMoreOrLessOftenForgetsNothing() async throws {
        let server = try FakeServer(FakeServer.http(200, Self.good))
        let keeper = CredentialKeeper(hub: EventHub(), logger: Self.quiet, timeout: 300_000_000) {}
        let url = "http://\(server.address)/jwks.json"
        let (old, new) = (catalog(.url(url, refresh: 600, caFile: nil)), catalog(.url(url, refresh: 1, caFile: nil)))
        keeper.adopt(old)
        let isGood = await eventually {
            keeper.look()
            return !keeper.credentials(for: old).keySets.isEmpty
        }
        #expect(isGood)
        keeper.adopt(new)
        #expect(keeper.credentials(for: new).keySets.first?.document.reveal == Self.good)
        let other = catalog(.url(url + "?other", refresh: 600, caFile: nil))
        keeper.adopt(other)
        #expect(keeper.credentials(for: other).keySets.isEmpty)
    }

    /// Whatever the server does, the last good key set stays; nothing of it waits for the server.
    @Test func aHostileServerTakesNothingAway() async throws {
        let server = try FakeServer(FakeServer.http(200, Self.good))
        let hub = EventHub()
        let keeper = CredentialKeeper(hub: hub, logger: Self.quiet, timeout: 300_000_000, firstWait: 1_000_000) {}
        let catalog = catalog(.url("http://\(server.address)/jwks.json", refresh: 1, caFile: nil))
        keeper.adopt(catalog)
        let document = { keeper.credentials(for: catalog).keySets.first?.document.reveal }
        #expect(document() == nil)
        let isGood = await eventually {
            keeper.look()
            return document() == Self.good
        }
        #expect(isGood)
        #expect(server.requests.first?.hasPrefix("GET /jwks.json HTTP/1.1\r\nHost: \(server.address)\r\n") == true)
        let huge = "HTTP/1.1 200 OK\r\nContent-Length: 2000000\r\n\r\n" + String(repeating: "x", count: 2_000_000)
        let chunked =
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
            + String(
                repeating: "10000\r\n\(String(repeating: "y", count: 65536))\r\n", count: 20)
        let redirect = "HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n"
        let hostile: [(FakeServer.Answer, String)] = [
            (FakeServer.http(500), "status 500"), (.text(redirect), "status 302 (redirections are not followed)"),
            (.text(huge), "longer than"), (.text(chunked), "longer than"), (.silence, "no answer in 300 ms"),
            (.slowly(String(repeating: "HTTP/1.1 200 OK\r\n", count: 200_000)), ""), (.nothing, "closed without an answer"),
            (FakeServer.http(200, "<html>"), ""), (FakeServer.http(200, "{\"keys\":[]}"), ""),
            (.text("\0\u{1}garbage\r\n\r\n"), ""),
        ]
        for (answer, reason) in hostile {
            server.answer(answer)
            let isSaid = await eventually {
                keeper.look()
                return keeper.faults.first.map { reason.isEmpty || $0.contains(reason) } ?? false
            }
            #expect(isSaid, "\(reason): \(keeper.faults)")
            #expect(document() == Self.good)
            server.answer(FakeServer.http(200, Self.good))
            let isWell = await eventually {
                keeper.look()
                return keeper.faults.isEmpty
            }
            #expect(isWell)
        }
        #expect(Set(hub.last(100).map(\.kind)) == [.credentialsStale, .credentialsRenewed])
    }

    /// While there is none nobody is let through: not for longer than it has to be.
    @Test(arguments: [true, false]) func repetitionsWaitLongerAndLonger(hasValue: Bool) {
        var book = CredentialBook(seed: 1)
        let url = "http://sso/jwks"
        let source = CredentialSource.keys(issuer: "corp", algorithms: [.rs256], .url(url, refresh: 600, caFile: nil))
        let value = CredentialSource.Value.keySet(KeySet(issuer: "corp", form: .jwks, document: Secret(Self.good)))
        #expect(book.take(.success(hasValue ? value : nil), of: source, now: 0) == nil)
        var now: UInt64 = hasValue ? 700_000_000_000 : 0
        var waits: [UInt64] = []
        for _ in 0..<10 {
            #expect(book.due(now, atMost: 4) == [source])
            #expect(book.due(now, atMost: 4).isEmpty, "one at a time")
            _ = book.take(.failure(CredentialFault(description: "status 500")), of: source, now: now)
            let begin = now
            while !book.isDueForTest(source, now) { now += 100_000_000 }
            waits.append((now - begin) / 1_000_000_000)
        }
        let longest: ClosedRange<UInt64> = hasValue ? 53...67 : 3...5
        #expect(waits[0] <= 1 && waits[3] >= (hasValue ? 6 : 3) && longest.contains(waits[9]), "\(waits)")
    }
}

extension CredentialBook {
    fileprivate func isDueForTest(_ source: CredentialSource, _ now: UInt64) -> Bool {
        var copy = self
        return copy.due(now, atMost: 1) == [source]
    }
}
