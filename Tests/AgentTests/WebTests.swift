import Catalog
import Glibc
import TLSFixtures
import Testing

@testable import Agent

@Suite struct WebAddressTests {
    @Test(arguments: [
        ("http://e", false, "e", 80, "e", "/"),
        ("https://sso.example/jwks.json?a=b#c", true, "sso.example", 443, "sso.example", "/jwks.json?a=b"),
        ("http://127.0.0.1:8080/x", false, "127.0.0.1", 8080, "127.0.0.1:8080", "/x"),
        ("https://[::1]:9/", true, "::1", 9, "[::1]:9", "/"), ("http://[::1]", false, "::1", 80, "[::1]", "/"),
        ("http://e?q", false, "e", 80, "e", "/?q"),
    ])
    func parts(url: String, isSecure: Bool, host: String, port: UInt16, authority: String, target: String) throws {
        let address = try #require(WebAddress(url))
        #expect(address.isSecure == isSecure && address.host == host && address.port == port)
        #expect(address.authority == authority && address.target == target)
    }

    @Test(arguments: [
        "", "e", "ftp://e", "http://", "http:///x", "http://u:p@e/", "http://e:0", "http://e:x", "http://e:70000", "http://[::1",
        "http://[::1]x", "http://e/a b", "http://e/\r\nHost: f", "http://é/",
    ])
    func whatIsNoURL(url: String) { #expect(WebAddress(url) == nil) }
}

@Suite struct WebCallTests {
    private static let answer = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"

    private func call(_ url: String, caFile: String? = nil, limit: Int = 100, body: [UInt8] = []) throws -> WebCall {
        WebCall(
            method: body.isEmpty ? "GET" : "POST", address: try #require(WebAddress(url)), caFile: caFile, body: body,
            timeout: 20_000_000_000, bodyLimit: limit)
    }

    private func run(_ call: WebCall) async throws -> Inquiry.Outcome {
        try await blocking {
            var trust = TLSTrust()
            return call.run(&trust)
        }
    }

    @Test func asksAServerThatProvesItsName() async throws {
        let authority = try TestAuthority()
        let server = try FakeSecureServer(try authority.issue("IP:127.0.0.1"), answer: Self.answer)
        let outcome = try await run(try call("https://\(server.address)/", caFile: authority.file))
        #expect(outcome == .replied(Reply(status: 200, body: Array("hello".utf8))))
    }

    @Test func trustsNobodyElse() async throws {
        let (authority, stranger) = (try TestAuthority(), try TestAuthority("Somebody"))
        let server = try FakeSecureServer(try authority.issue("IP:127.0.0.1"), answer: Self.answer)
        let url = "https://\(server.address)/"
        #expect(
            try await run(try call(url, caFile: stranger.file))
                == .failed(reason: "the server's certificate is from an unknown authority"))
        let other = try FakeSecureServer(try authority.issue("IP:127.0.0.2"), answer: Self.answer)
        #expect(
            try await run(try call("https://\(other.address)/", caFile: authority.file))
                == .failed(reason: "the server's certificate is not for 127.0.0.1"))
        let old = try FakeSecureServer(try authority.issue("IP:127.0.0.1", from: -20, until: -10), answer: Self.answer)
        #expect(
            try await run(try call("https://\(old.address)/", caFile: authority.file))
                == .failed(reason: "the server's certificate has expired"))
        guard case .failed(let reason) = try await run(try call(url, caFile: "/nonexistent")) else {
            Issue.record("no failure")
            return
        }
        #expect(reason.hasPrefix("cannot read the authorities in /nonexistent"))
    }

    @Test func serversThatSpeakNoTLSAreSaid() async throws {
        let server = try FakeServer(FakeServer.http(200))
        let authority = try TestAuthority()
        guard case .failed = try await run(try call("https://\(server.address)/", caFile: authority.file)) else {
            Issue.record("no failure")
            return
        }
    }

    /// A body that no socket's buffer takes at once, and a server that answers before it has read it.
    @Test func sendsLargeBodies() async throws {
        let server = try FakeServer(FakeServer.http(202, "ok"))
        let body = [UInt8](repeating: UInt8(ascii: "x"), count: 512 << 10)
        let outcome = try await run(try call("http://\(server.address)/in", body: body))
        switch outcome {
        case .replied(let reply): #expect(reply.status == 202)
        // The server closes with unread bytes, and its reset may come before its answer is read.
        case .failed(let reason): #expect(reason == "Connection reset by peer")
        default: Issue.record("\(outcome)")
        }
        #expect(server.requests.first?.contains("Content-Length: 524288\r\n") == true)
    }

    @Test func healthIsAskedOverTLS() async throws {
        let authority = try TestAuthority()
        let server = try FakeSecureServer(try authority.issue("IP:127.0.0.1"), answer: "HTTP/1.1 204 X\r\n\r\n")
        let endpoint = Endpoint(
            host: "127.0.0.1", port: server.address.port, authority: "\(server.address)", addresses: [server.address],
            tls: EndpointTLS(serverName: "127.0.0.1", caFile: authority.file))
        let plan = try #require(Catalog(models: [Model(name: "m", endpoints: [endpoint])]).healthErrands.first?.plan)
        let outcome = try await blocking { () -> Inquiry.Outcome? in
            var trust = TLSTrust()
            let errand = Errand(purpose: .health, url: endpoint.url, address: server.address)
            guard case .underWay(let inquiry) = Inquiry.start(errand, plan, at: server.address, &trust) else { return nil }
            var buffer = [UInt8](repeating: 0, count: 512)
            for _ in 0..<200 {
                var polled = pollfd(fd: inquiry.descriptor, events: inquiry.interest, revents: 0)
                guard poll(&polled, 1, 20_000) > 0 else { return nil }
                if let outcome = inquiry.advance(&buffer) { return outcome }
            }
            return nil
        }
        #expect(outcome == .replied(Reply(status: 204)))
    }
}
