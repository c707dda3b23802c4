import Catalog
import Control
import Glibc
import KernelPlane
import Logging
import Synchronization
import Testing

@testable import Agent

/// A keeper, what it told, and a server's program: a shell script that writes, and waits for its end.
final class EngineGround: Sendable {
    struct Heard {
        var standings: [EndpointKey: EngineStanding] = [:]
        var loads: [EndpointKey: UInt32] = [:]
        var events: [EventReport] = []
    }

    let scratch: Scratch
    private let cgroup: TestCgroup
    let heard = Mutex(Heard())

    init() throws {
        scratch = try Scratch()
        chmod(scratch.path, 0o755)
        cgroup = try TestCgroup("engine")
    }

    deinit {
        cgroup.kill()
        for number in place.numbers { place.clear(number) }
        place.leave()
    }

    var broker: String { cgroup.path }

    var place: EnginePlace { EnginePlace(brokerCgroup: broker, runDirectory: scratch.path) }

    /// Every call is another agent.
    func keeper(_ hooks: EngineHooks = EngineHooks()) -> EngineKeeper {
        var logger = Logger(label: "test")
        logger.logLevel = .critical
        return EngineKeeper(
            place: place, hooks: hooks,
            audience: EngineKeeper.Audience(
                standings: { new in self.heard.withLock { $0.standings = new } },
                loads: { new in self.heard.withLock { $0.loads = new.mapValues(\.load) } },
                event: { event in self.heard.withLock { $0.events.append(event) } }),
            logger: logger)
    }

    func script(_ text: String, _ name: String = "engine") throws -> String {
        try File.replace(scratch[name], with: Array("#!/bin/sh\n\(text)\n".utf8), mode: 0o755)
        return scratch[name]
    }

    func phase(_ key: EndpointKey) -> EnginePhase? { heard.withLock { $0.standings[key]?.phase } }

    var kinds: [EventReport.Kind] { heard.withLock { $0.events.map(\.kind) } }
}

/// What tests of servers on demand have in common. They need root and cgroup v2.
protocol EngineSuite {}

extension EngineSuite {
    typealias Place = EngineGround

    static var long: String { "echo \"up as $(id -u)\"; exec sleep 1000" }

    func catalog(
        _ server: FakeServer, _ method: Activation.Method, model: String = "m", idle: Int? = nil, set: String? = nil,
        ready: Int = 5000, stop: Int = 5000
    ) -> Catalog {
        let activation = Activation(method: method, readyTimeout: ready, idleAfter: idle, stopTimeout: stop, oneOf: set)
        let endpoint = Endpoint(
            host: "127.0.0.1", port: server.address.port, authority: "\(server.address)", addresses: [server.address],
            activation: activation)
        return Catalog(models: [Model(name: model, endpoints: [endpoint])])
    }

    func key(_ server: FakeServer) -> EndpointKey {
        EndpointKey(url: "http://\(server.address)", address: server.address)
    }

    func running(_ keeper: EngineKeeper, _ body: () async throws -> Void) async throws {
        let task = Task { try await keeper.run() }
        let result: Result<Void, any Error>
        do { result = .success(try await body()) } catch { result = .failure(error) }
        // It holds what is taken away behind the test.
        task.cancel()
        _ = await task.result
        try result.get()
    }
}
