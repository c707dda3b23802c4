import Catalog
import Control
import Glibc
import Logging
import Synchronization
import Testing

@testable import Agent

@Suite struct ProxyLinkTests {
    private final class Counter: Sendable {
        let value = Mutex(0)
    }

    /// A link server on a socket of its own, and what it told.
    private final class Link: Sendable {
        let scratch: Scratch
        let path: String
        let server: ProxyLinkServer
        let connected: AsyncStream<ProxyConnection>
        let disconnected: AsyncStream<ProxyConnection>
        let events: AsyncStream<ProxyEvent>
        private let counter = Counter()
        var greetings: Int { counter.value.withLock { $0 } }

        init(uid: uid_t = geteuid(), cgroup: String? = "/broker/proxy") throws {
            scratch = try Scratch()
            path = scratch["proxy.sock"]
            let (connected, connectedFeed) = AsyncStream.makeStream(of: ProxyConnection.self)
            let (disconnected, disconnectedFeed) = AsyncStream.makeStream(of: ProxyConnection.self)
            let (events, eventsFeed) = AsyncStream.makeStream(of: ProxyEvent.self)
            (self.connected, self.disconnected, self.events) = (connected, disconnected, events)
            let counter = counter
            var logger = Logger(label: "test")
            logger.logLevel = .critical
            server = ProxyLinkServer(
                listener: try Listener.unix(path, owner: 0),
                admission: ProxyAdmission(uid: uid, brokerCgroup: "/broker", cgroupOf: { _ in cgroup }),
                handler: ProxyLinkServer.Handler(
                    connected: {
                        counter.value.withLock { $0 += 1 }
                        connectedFeed.yield($0)
                    }, disconnected: { disconnectedFeed.yield($0) },
                    event: { eventsFeed.yield($0) }, refused: { _ in }), logger: logger)
            try server.start()
        }

        deinit { server.stop() }

        func greeted() async throws -> (FakeProxy, ProxyConnection) {
            let proxy = try FakeProxy(connectingTo: path)
            proxy.hello(generation: 4)
            return (proxy, try #require(await connected.first { _ in true }))
        }
    }

    private let settings = ProxySettings(generation: 9, catalog: Catalog(), hostNetnsCookie: 1)

    @Test func welcomesWithAWorkingDescriptor() async throws {
        let link = try Link()
        let (proxy, connection) = try await link.greeted()
        #expect(connection.hello.generation == 4)
        #expect(connection.pid == getpid())
        var pipe: [Int32] = [-1, -1]
        try #require(Glibc.pipe(&pipe) == 0)
        defer { for end in pipe { close(end) } }
        let given = pipe[1]
        async let outcome = connection.welcome(settings, maps: [given], atMost: .seconds(5))
        let (message, descriptor) = try #require(try await proxy.hear())
        #expect(message == .welcome(settings))
        try #require(descriptor >= 0)
        #expect(write(descriptor, "x", 1) == 1, "the descriptor is the pipe's")
        close(descriptor)
        var byte: UInt8 = 0
        #expect(read(pipe[0], &byte, 1) == 1)
        proxy.say(.applied(generation: 9))
        #expect(await outcome == .applied)
    }

    @Test func tellsRefusalsAndSilenceApart() async throws {
        let link = try Link()
        let (proxy, connection) = try await link.greeted()
        async let refused = connection.configure(settings, atMost: .seconds(5))
        #expect(try await proxy.hear()?.message == .configure(settings))
        proxy.say(.applied(generation: 8))
        proxy.say(.rejected(generation: 9, reason: "address in use"))
        #expect(await refused == .rejected("address in use"))
        #expect(await connection.configure(settings, atMost: .milliseconds(50)) == .silent)
        #expect(connection.isOpen)
    }

    @Test func aBrokenLinkEndsEveryWait() async throws {
        let link = try Link()
        var proxy: FakeProxy?
        let connection: ProxyConnection
        (proxy, connection) = try await link.greeted()
        async let outcome = connection.configure(settings, atMost: .seconds(60))
        _ = try await proxy?.hear()
        proxy = nil
        #expect(await outcome == .silent)
        #expect(!connection.isOpen)
        #expect(await link.disconnected.first { _ in true } === connection)
        #expect(await connection.query(.statistics, atMost: .seconds(60)) == nil)
    }

    @Test func carriesQueriesAndEvents() async throws {
        let link = try Link()
        let (proxy, connection) = try await link.greeted()
        async let report = connection.query(.statistics, atMost: .seconds(60))
        guard case .query(let id, .statistics) = try await proxy.hear()?.message else {
            Issue.record("no query came")
            return
        }
        var statistics = ProxyStatistics()
        statistics.openConnections = 5
        proxy.say(.report(id: id &+ 1, .flows([])))
        proxy.say(.report(id: id, .statistics(statistics)))
        #expect(await report == .statistics(statistics))
        let event = ProxyEvent(kind: .opaque, detail: "tls")
        proxy.say(.event(event))
        #expect(await link.events.first { _ in true } == event)
        connection.stop(deadline: .seconds(2))
        #expect(try await proxy.hear()?.message == .stop(deadlineMilliseconds: 2000))
    }

    @Test(
        arguments: [
            [], [0], [1], [1, 129], [1, 130, 0, 0, 0, 0, 0, 0, 0, 0], [2, 129, 0, 0], Array(repeating: 255, count: 1000),
        ] as [[UInt8]])
    func closesOnAnythingButHello(payload: [UInt8]) async throws {
        let link = try Link()
        let proxy = try FakeProxy(connectingTo: link.path)
        proxy.send(payload)
        #expect(try await proxy.isClosed())
    }

    @Test func refusesAnEndlessFrameAtItsLength() async throws {
        let link = try Link()
        let (proxy, _) = try await link.greeted()
        proxy.send([], claiming: 64 << 20 + 1)
        #expect(try await proxy.isClosed())
    }

    @Test func closesOnASecondHello() async throws {
        let link = try Link()
        let (proxy, connection) = try await link.greeted()
        proxy.hello()
        #expect(try await proxy.isClosed())
        #expect(await eventually { !connection.isOpen })
    }

    @Test func takesSoManyAtATimeAndMoreWhenOneGoes() async throws {
        let link = try Link()
        var proxies: [FakeProxy] = []
        for _ in 0..<16 { proxies.append(try FakeProxy(connectingTo: link.path)) }
        let surplus = try FakeProxy(connectingTo: link.path)
        #expect(try await surplus.isClosed())
        proxies.removeFirst()
        let before = link.greetings
        let accepted = try await eventually {
            let proxy = try FakeProxy(connectingTo: link.path)
            proxy.hello()
            return await eventually(within: .milliseconds(200)) { link.greetings > before }
        }
        #expect(accepted)
    }

    @Test(arguments: ["/elsewhere", "/brokers", "/", nil]) func turnsStrangersAway(cgroup: String?) async throws {
        let link = try Link(cgroup: cgroup)
        let stranger = try FakeProxy(connectingTo: link.path)
        #expect(try await stranger.isClosed())
    }

    @Test func admissionTakesTheUserAndTheCgroup() throws {
        let admission = ProxyAdmission(uid: 65534, brokerCgroup: "/broker", cgroupOf: { $0 == 7 ? "/broker/proxy" : "/other" })
        try admission.check(pid: 7, uid: 65534)
        try admission.check(pid: 7, uid: 0)
        #expect(throws: AgentError.self) { try admission.check(pid: 7, uid: 1000) }
        #expect(throws: AgentError.self) { try admission.check(pid: 8, uid: 65534) }
        #expect(throws: AgentError.self) { try admission.check(pid: 0, uid: 65534) }
    }
}
