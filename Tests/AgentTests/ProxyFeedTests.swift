import Catalog
import Control
import Glibc
import Testing

@testable import Agent

@Suite struct ProxyFeedTests {
    private func standings(_ fault: String) -> [EndpointStanding] {
        let address = SocketAddress(ip: IPAddress(v4: 10, 0, 0, 1), port: 80)
        return [EndpointStanding(key: EndpointKey(url: "http://e", address: address), fault: fault)]
    }

    private func settings(_ generation: UInt64) -> ProxySettings {
        ProxySettings(generation: generation, catalog: Catalog(), hostNetnsCookie: 0)
    }

    /// The other end of a connection, as the proxy hears it.
    private func link() throws -> (ProxyConnection, FakeProxy) {
        let scratch = try Scratch()
        let listener = try Listener.unix(scratch["s"], owner: 0)
        defer { close(listener) }
        let proxy = try FakeProxy(connectingTo: scratch["s"])
        let hello = ProxyHello(pid: 1, version: "", abi: 0, generation: 0)
        return (ProxyConnection(pid: 1, hello: hello, socket: LinkSocket(accept(listener, nil, nil))), proxy)
    }

    @Test func aNewProxyHearsEverythingBehindItsConfiguration() async throws {
        let (connection, proxy) = try link()
        let feed = ProxyFeed()
        feed.tell(standings("a"))
        feed.watchDecisions(true)
        _ = await connection.welcome(settings(1), maps: [], atMost: .milliseconds(1)) { feed.brief(connection) }
        #expect(try await proxy.hear()?.message == .welcome(settings(1)))
        #expect(try await proxy.hear()?.message == .standings(standings("a")))
        #expect(try await proxy.hear()?.message == .auditSink(false))
        #expect(try await proxy.hear()?.message == .watchDecisions(true))
        feed.tell(standings("b"))
        feed.tell(standings("b"))
        feed.watchDecisions(true)
        feed.watchDecisions(false)
        #expect(try await proxy.hear()?.message == .standings(standings("b")))
        #expect(try await proxy.hear()?.message == .watchDecisions(false))
        _ = await connection.configure(settings(2), atMost: .milliseconds(1)) { feed.brief(connection) }
        #expect(try await proxy.hear()?.message == .configure(settings(2)))
        #expect(try await proxy.hear()?.message == .standings(standings("b")), "it may have endpoints that it had not before")
        #expect(try await proxy.hear()?.message == .auditSink(false))
        feed.tell([])
        #expect(try await proxy.hear()?.message == .standings([]))
    }

    @Test func podsAreToldOnceTheyAreKnown() async throws {
        let (connection, proxy) = try link()
        let feed = ProxyFeed()
        let pods = [CgroupPod(cgroup: 1, pod: PodName(name: "a/b", serviceAccount: "c"))]
        _ = await connection.welcome(settings(1), maps: [], atMost: .milliseconds(1)) { feed.brief(connection) }
        // What an agent before this one said holds until something is known: not a word of none.
        for _ in 0..<4 { _ = try await proxy.hear() }
        feed.tell(pods: pods)
        feed.tell(pods: pods)
        feed.tell(pods: [])
        #expect(try await proxy.hear()?.message == .pods(pods))
        #expect(try await proxy.hear()?.message == .pods([]))
        feed.tell(pods: pods)
        #expect(try await proxy.hear()?.message == .pods(pods))
        let (second, other) = try link()
        _ = await second.welcome(settings(1), maps: [], atMost: .milliseconds(1)) { feed.brief(second) }
        for _ in 0..<4 { _ = try await other.hear() }
        #expect(try await other.hear()?.message == .pods(pods))
    }

    @Test func descriptorsOfTheAuditGoToTheProxy() async throws {
        let (connection, proxy) = try link()
        let scratch = try Scratch()
        let feed = ProxyFeed()
        feed.audit(AuditDescriptor(open(scratch["a"], O_WRONLY | O_CREAT, 0o600)))
        _ = await connection.welcome(settings(1), maps: [], atMost: .milliseconds(1)) { feed.brief(connection) }
        _ = try await proxy.hear()
        _ = try await proxy.hear()
        let sink = try #require(try await proxy.hear())
        #expect(sink.message == .auditSink(true))
        // The agent's own end is let go of at once, and the proxy's is a descriptor of its own.
        feed.audit(nil)
        _ = try await proxy.hear()
        #expect(try await proxy.hear()?.message == .auditSink(false))
        try File.append(Array("x".utf8), to: sink.descriptor, "a")
        close(sink.descriptor)
        #expect(try File.text(scratch["a"]) == "x")
    }
}
