import Catalog
import Control
import Reactor
import TLS
import TLSFixtures
import Testing

@testable import Proxy

/// Endpoints that are reached by https.
@Suite struct SecureLegTests {
    private static let name = "engine.example"

    private func catalog(_ endpoints: [Endpoint]) -> Catalog {
        var policy = RoutingPolicy()
        policy.retry.attempts = 1
        return Catalog(models: [Model(name: "m", endpoints: endpoints, routing: policy)])
    }

    private func terms(_ authority: TestAuthority, _ name: String = name) -> EndpointTLS {
        EndpointTLS(serverName: name, caFile: authority.file)
    }

    private func settings(_ authority: TestAuthority, _ names: String = "DNS:\(name)") throws -> TLSSettings {
        TLSSettings(try TestServer(try authority.issue(names)))
    }

    @Test func requestsGoThroughAndConnectionsAreKept() throws {
        let authority = try TestAuthority()
        let large = String(repeating: "0123456789abcdef", count: 20_000)
        let engine = try TestEngine(tls: try settings(authority)) { $0.answer(large + "END") }
        defer { engine.close() }
        let proxy = try TestProxy(catalog([engine.endpoint(tls: terms(authority))]))
        let caller = try TestCaller(proxy.gateway)
        for _ in 0..<3 { #expect(caller.ask("m", "END").hasSuffix(large + "END")) }
        let content = String(repeating: "x", count: 300_000)
        caller.post("m", content)
        #expect(caller.receive { $0.hasSuffix("END") }.end == .open)
        #expect(engine.seen.connections == 1)
        #expect(engine.seen.requests.count == 4)
        #expect(engine.seen.requests.last?.contains(content) == true)
    }

    @Test func smallPiecesArrive() throws {
        let authority = try TestAuthority()
        let engine = try TestEngine(tls: try settings(authority)) {
            $0.write("HTTP/1.1 200 OK\r\nContent-Length: 200\r\n\r\n" + String(repeating: "y", count: 197) + "END", piece: 1)
        }
        defer { engine.close() }
        let proxy = try TestProxy(catalog([engine.endpoint(tls: terms(authority))]))
        #expect(try TestCaller(proxy.gateway).ask("m", "END").hasSuffix("yyyEND"))
    }

    @Test func sessionsAreResumed() throws {
        let authority = try TestAuthority()
        let engine = try TestEngine(tls: try settings(authority)) {
            $0.write("HTTP/1.1 200 OK\r\nContent-Length: 3\r\nConnection: close\r\n\r\nEND")
            $0.close()
        }
        defer { engine.close() }
        let proxy = try TestProxy(catalog([engine.endpoint(tls: terms(authority))]))
        for _ in 0..<4 { #expect(try TestCaller(proxy.gateway).ask("m", "END").hasSuffix("END")) }
        #expect(engine.seen.connections == 4)
        #expect(engine.seen.resumed == 3)
    }

    @Test(arguments: [
        ("other.example", "the server's certificate is not for other.example"),
        ("127.0.0.1", "the server's certificate is not for 127.0.0.1"),
    ])
    func aWrongNameIsAFailedConnection(name: String, reason: String) throws {
        let authority = try TestAuthority()
        let engine = try TestEngine(tls: try settings(authority)) { $0.answer("END") }
        defer { engine.close() }
        let proxy = try TestProxy(catalog([engine.endpoint(tls: terms(authority, name))]))
        let caller = try TestCaller(proxy.gateway)
        caller.post("m")
        #expect(proxy.event(.endpointFailed)?.detail.contains(reason) == true)
        #expect(caller.receive { $0.contains("}}") || $0.contains("}\n") }.text.hasPrefix("HTTP/1.1 50"))
        #expect(engine.seen.requests.isEmpty)
    }

    @Test func aServerWithoutTLSIsAFailedConnection() throws {
        let authority = try TestAuthority()
        let engine = try TestEngine { $0.answer("END") }
        defer { engine.close() }
        let proxy = try TestProxy(catalog([engine.endpoint(tls: terms(authority))]))
        let caller = try TestCaller(proxy.gateway)
        caller.post("m")
        // The engine waits for the rest of a request that the hello is not; what it says then is not TLS either.
        #expect(proxy.event(.endpointFailed) != nil)
        #expect(engine.seen.requests.isEmpty)
    }

    @Test func anAuthorityThatIsNotThereIsNamed() throws {
        let engine = try TestEngine { $0.answer("END") }
        defer { engine.close() }
        let missing = EndpointTLS(serverName: Self.name, caFile: "/nonexistent/ca.pem")
        let proxy = try TestProxy(catalog([engine.endpoint(tls: missing)]))
        let caller = try TestCaller(proxy.gateway)
        caller.post("m")
        #expect(proxy.event(.endpointFailed)?.detail.contains("/nonexistent/ca.pem") == true)
        #expect(engine.seen.connections == 0)
    }

    /// A body that lasts until the close: only a farewell makes the close its end.
    @Test(arguments: [true, false])
    func aBodyThatIsCutOffDoesNotEndPolitely(farewell: Bool) throws {
        let authority = try TestAuthority()
        let engine = try TestEngine(tls: try settings(authority)) {
            $0.write("HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n\r\nhalf of it")
            $0.close(farewell: farewell)
        }
        defer { engine.close() }
        let proxy = try TestProxy(catalog([engine.endpoint(tls: terms(authority))]))
        let caller = try TestCaller(proxy.gateway)
        caller.post("m")
        let answer = caller.receive { _ in false }
        if farewell {
            #expect(answer.text.contains("half of it"))
            #expect(answer.end == .closed)
        } else {
            #expect(answer.end == .broken)
        }
    }

    @Test func anotherAuthorityTakesOverAtReload() throws {
        let (authority, other) = (try TestAuthority(), try TestAuthority("Another"))
        let engine = try TestEngine(tls: try settings(authority)) { $0.answer("END") }
        defer { engine.close() }
        let tls = terms(authority)
        let proxy = try TestProxy(catalog([engine.endpoint(tls: tls)]))
        let caller = try TestCaller(proxy.gateway)
        #expect(caller.ask("m", "END").hasSuffix("END"))
        try proxy.reload()
        #expect(caller.ask("m", "END").hasSuffix("END"))
        #expect(engine.seen.connections == 1)
        try other.replace(authority)
        try proxy.reload()
        caller.post("m")
        #expect(proxy.event(.endpointFailed)?.detail.contains("unknown authority") == true)
        #expect(engine.seen.requests.count == 2)
    }

    /// Bytes that nobody asked for are not taken for the answer to what is asked next.
    @Test func anAnswerTooManyIsNobodys() throws {
        let authority = try TestAuthority()
        let engine = try TestEngine(tls: try settings(authority)) {
            $0.write(
                "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nEND", thenAtOnce: "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nEVIL")
        }
        defer { engine.close() }
        let proxy = try TestProxy(catalog([engine.endpoint(tls: terms(authority))]))
        let caller = try TestCaller(proxy.gateway)
        for _ in 0..<10 { #expect(caller.ask("m", "END").hasSuffix("END")) }
        #expect(engine.seen.requests.count == 10)
    }

    @Test func copiesGoByHTTPSToo() throws {
        let authority = try TestAuthority()
        let engine = try TestEngine { $0.answer("END") }
        let trial = try TestEngine(tls: try settings(authority)) { $0.answer("ok") }
        defer { [engine, trial].forEach { $0.close() } }
        var catalog = catalog([engine.endpoint()])
        catalog.models.append(Model(name: "next", endpoints: [trial.endpoint(tls: terms(authority))]))
        catalog.pools = [Pool(name: "chat", models: [.init(model: "m")], mirror: Mirror(model: "next"))]
        let proxy = try TestProxy(catalog)
        let caller = try TestCaller(proxy.gateway)
        let content = String(repeating: "z", count: 900_000)
        caller.post("chat", content)
        #expect(caller.receive { $0.hasSuffix("END") }.end == .open)
        try eventually { trial.seen.requests.count == 1 }
        #expect(trial.seen.requests.first?.contains(content) == true)
    }

    @Test func plainAndSecureConnectionsToOneAddressAreApart() throws {
        let authority = try TestAuthority()
        let engine = try TestEngine(tls: try settings(authority)) { $0.answer("END") }
        defer { engine.close() }
        var catalog = catalog([engine.endpoint(tls: terms(authority))])
        catalog.models.append(Model(name: "plain", endpoints: [engine.endpoint()], routing: catalog.models[0].routing))
        let proxy = try TestProxy(catalog)
        let caller = try TestCaller(proxy.gateway)
        #expect(caller.ask("m", "END").hasSuffix("END"))
        caller.post("plain")
        #expect(caller.receive { $0.contains("\r\n\r\n") }.text.hasPrefix("HTTP/1.1 50"))
        #expect(engine.seen.connections >= 2)
        #expect(try TestCaller(proxy.gateway).ask("m", "END").hasSuffix("END"))
    }
}
