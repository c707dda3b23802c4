import Catalog
import Control
import Glibc
import KernelPlane
import Logging
import Synchronization
import Testing

@testable import Agent

/// What is under way at a proxy.
@Suite struct EngineDrainTests {
    @Test func nothingEndsWithRequestsUnderWay() async throws {
        let scratch = try Scratch()
        let path = scratch["proxy.sock"]
        var logger = Logger(label: "test")
        logger.logLevel = .critical
        let events = Mutex<[EventReport.Kind]>([])
        let server = try FakeServer(FakeServer.http(200))
        let hook = try FakeServer(FakeServer.http(200))
        let keeper = EngineKeeper(
            place: EnginePlace(brokerCgroup: scratch["cgroup"], runDirectory: scratch.path),
            audience: EngineKeeper.Audience(
                standings: { _ in }, loads: { _ in }, event: { event in events.withLock { $0.append(event.kind) } }),
            logger: logger)
        let link = ProxyLinkServer(
            listener: try Listener.unix(path, owner: 0),
            admission: ProxyAdmission(uid: geteuid(), brokerCgroup: "/broker", cgroupOf: { _ in "/broker/proxy" }),
            handler: ProxyLinkServer.Handler(
                connected: { keeper.linked($0) }, disconnected: { keeper.unlinked($0) }, event: { _ in },
                wanted: { keeper.want($0) }, refused: { _ in }), logger: logger)
        try link.start()
        defer { link.stop() }
        let proxy = try FakeProxy(connectingTo: path)
        proxy.hello(generation: 4)
        let key = EndpointKey(url: "http://\(server.address)", address: server.address)
        try await blocking {
            keeper.adopt(
                Catalog(models: [
                    Model(
                        name: "m",
                        endpoints: [
                            Endpoint(
                                host: "127.0.0.1", port: server.address.port, authority: "\(server.address)",
                                addresses: [server.address],
                                activation: Activation(
                                    method: .http(start: "http://\(hook.address)/start", stop: "http://\(hook.address)/stop")))
                        ])
                ]))
        }
        let task = Task { try await keeper.run() }
        defer { task.cancel() }
        #expect(await eventually { keeper.phases[key.url] == .ready }, "it runs already")
        _ = try await blocking { try keeper.stop(key.url, by: nil) }
        // Two of one model, one of another at the same server: it ends when all have.
        for inFlight in [[2, 1], [0, 1], [0, 0], [1, 0], [0, 0]] as [[UInt64]] {
            #expect(events.withLock { $0 } == [.engineStopping] && hook.requests.isEmpty)
            guard case .query(let id, .routing) = try await proxy.hear()?.message else {
                Issue.record("no question came")
                return
            }
            let records = inFlight.enumerated().map { EndpointRecord(model: "m\($0)", key: key, inFlight: $1) }
            proxy.say(.report(id: id, .routing(records, [])))
        }
        guard case .query(let id, .routing) = try await proxy.hear()?.message else {
            Issue.record("no question came")
            return
        }
        #expect(hook.requests.isEmpty)
        proxy.say(.report(id: id, .routing([], [])))
        #expect(await eventually { hook.requests.first?.hasPrefix("POST /stop ") == true })
        server.answer(.nothing)
        #expect(await eventually { keeper.phases[key.url] == .asleep })
        proxy.say(.wanted([key]))
        #expect(await eventually { hook.requests.last?.hasPrefix("POST /start ") == true })
    }

    @Test func aProxyThatDoesNotAnswerIsNoReasonToEndAnything() async throws {
        var machine = EngineMachine()
        _ = machine.adopt(["a": EngineTerms(readyTimeout: 1, stopTimeout: 1)], now: 0)
        machine.found("a", isReady: true, now: 0)
        _ = machine.dismiss("a", now: 0)
        for second in 1...100 { #expect(machine.tick(UInt64(second) * 1_000_000_000) == []) }
    }
}
