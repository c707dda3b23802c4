import Catalog
import Control
import Logging
import Synchronization
import Testing

@testable import Agent

@Suite struct EndpointInquiriesTests {
    private var logger: Logger {
        var logger = Logger(label: "test")
        logger.logLevel = .critical
        return logger
    }

    /// A health check from end to end: the server falls, and rises again.
    @Test func aHealthCheckFindsASickServer() async throws {
        let server = try FakeServer(FakeServer.http(200, "{\"data\":[{\"id\":\"llama\"},{\"id\":\"new\"}]}"))
        let scratch = try Scratch()
        let told = Mutex<[[EndpointStanding]]>([])
        let found = Mutex(0)
        let hub = EventHub()
        let standings = Standings(
            file: DrainFile(path: scratch["drained"]),
            audience: .init(proxy: { list in told.withLock { $0.append(list) } }, kernel: { _ in }, event: { hub.publish($0) }),
            logger: logger)
        let discoveries = Discoveries(hub: hub, logger: logger) { found.withLock { $0 += 1 } }
        let inquiries = EndpointInquiries(standings: standings, discoveries: discoveries, logger: logger)
        let running = Task { try await inquiries.run() }
        defer { running.cancel() }
        let endpoint = Endpoint(
            host: "127.0.0.1", port: server.address.port, authority: "e", addresses: [server.address],
            health: HealthCheck(period: 100, timeout: 20_000, failures: 2), discovery: Discovery(onNew: .register))
        let catalog = Catalog(models: [Model(name: "llama", endpoints: [endpoint])])
        discoveries.adopt(catalog)
        standings.adopt(catalog)
        inquiries.adopt(catalog)
        #expect(await eventually { found.withLock { $0 } == 1 })
        #expect(discoveries.applied(to: catalog).models.map(\.name) == ["llama", "new"])
        server.answer(FakeServer.http(500))
        #expect(await eventually { told.withLock { $0.count } == 1 })
        #expect(told.withLock { $0.first?.first?.fault } == "status 500")
        server.answer(FakeServer.http(401))
        #expect(await eventually { told.withLock { $0.last } == [] })
    }
}
