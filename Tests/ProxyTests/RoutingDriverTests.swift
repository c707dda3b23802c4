import Catalog
import Control
import Flow
import Glibc
import Reactor
import Routing
import Synchronization
import Testing

@testable import Proxy

/// What the event loops do about endpoints: races, copies, standings, reports.
@Suite struct RoutingDriverTests {
    private func model(_ name: String, _ engines: [TestEngine], _ change: (inout RoutingPolicy) -> Void = { _ in }) -> Model {
        var policy = RoutingPolicy()
        change(&policy)
        return Model(name: name, endpoints: engines.map { $0.endpoint() }, routing: policy)
    }

    private func key(_ engine: TestEngine) -> EndpointKey {
        EndpointKey(url: engine.endpoint().url, address: engine.address)
    }

    @Test func aCopyGoesToTheModelOnTrialAndNobodySeesItsAnswer() throws {
        let engine = try TestEngine { $0.answer("END") }
        let trial = try TestEngine { $0.answer("secret", status: "500 No") }
        defer { [engine, trial].forEach { $0.close() } }
        let catalog = Catalog(
            models: [model("m", [engine]), model("next", [trial])],
            pools: [Pool(name: "chat", models: [.init(model: "m")], mirror: Mirror(model: "next"))])
        let proxy = try TestProxy(catalog)
        let caller = try TestCaller(proxy.gateway)
        for _ in 0..<5 {
            let answer = caller.ask("chat", "END")
            #expect(answer.hasSuffix("END") && !answer.contains("secret"))
        }
        try eventually { trial.seen.requests.count == 5 }
        #expect(trial.seen.requests.allSatisfy { $0.contains("\"model\":\"next\"") })
        #expect(engine.seen.requests.count == 5)
        #expect(try routes(proxy).first { $0.name == "chat" }?.mirrored == 5)
        #expect(try routes(proxy).first { $0.name == "chat" }?.mirrorFailures == 0)
    }

    @Test func copiesThatFailAreCountedAndTheRequestIsNot() throws {
        let engine = try TestEngine { $0.answer("END") }
        let trial = try TestEngine { $0.close() }
        defer { engine.close() }
        let catalog = Catalog(
            models: [model("m", [engine]), model("next", [trial])],
            pools: [Pool(name: "chat", models: [.init(model: "m")], mirror: Mirror(model: "next"))])
        let proxy = try TestProxy(catalog)
        let caller = try TestCaller(proxy.gateway)
        #expect(caller.ask("chat", "END").hasSuffix("END"))
        try eventually { try routes(proxy).first { $0.name == "chat" }?.mirrorFailures == 1 }
        trial.close()
        #expect(caller.ask("chat", "END").hasSuffix("END"))
        try eventually { try routes(proxy).first { $0.name == "chat" }?.mirrorFailures == 2 }
    }

    /// An engine that does not answer copies holds up no request, and no more than its share of them waits.
    @Test func copiesThatAreNotAnsweredHoldNothingUp() throws {
        let engine = try TestEngine { $0.answer("END") }
        let trial = try TestEngine { _ in }
        defer { [engine, trial].forEach { $0.close() } }
        let catalog = Catalog(
            models: [model("m", [engine]), model("next", [trial])],
            pools: [Pool(name: "chat", models: [.init(model: "m")], mirror: Mirror(model: "next"))])
        let proxy = try TestProxy(catalog)
        let caller = try TestCaller(proxy.gateway)
        for _ in 0..<Worker.shadowLimit + 6 { #expect(caller.ask("chat", "END").hasSuffix("END")) }
        let chat = try routes(proxy).first { $0.name == "chat" }
        #expect(chat?.mirrored == UInt64(Worker.shadowLimit + 6))
        #expect(chat?.mirrorFailures == 6)
    }

    @Test func aSlowEndpointIsRacedByAnother() throws {
        let slow = Flag()
        let first = try TestEngine {
            if slow.isSet { return }
            $0.answer("first END")
        }
        let second = try TestEngine { $0.answer("second END") }
        defer { [first, second].forEach { $0.close() } }
        let proxy = try TestProxy(Catalog(models: [model("m", [first, second]) { $0.retry.hedges = true }]))
        let caller = try TestCaller(proxy.gateway)
        // The delay after which a race is worth while is known after fifty.
        for _ in 0..<60 { #expect(caller.ask("m", "END").contains("END")) }
        // One that the machine held up may have been raced, too.
        let before = try routes(proxy).first { $0.name == "m" }?.hedgesWon ?? 0
        slow.set()
        let answer = caller.ask("m", "END")
        #expect(answer.hasSuffix("second END"))
        // The connection that won is the caller's upstream now, and goes on to be kept.
        #expect(second.seen.requests.count >= 1)
        #expect(try routes(proxy).first { $0.name == "m" }?.hedgesWon == before + 1)
        slow.clear()
        #expect(caller.ask("m", "END").hasSuffix("END"))
        let records = try endpoints(proxy)
        #expect(records.allSatisfy { $0.inFlight == 0 })
    }

    /// A rival that can't be reached takes nothing from the one that can.
    @Test func aRaceAgainstNobodyIsWon() throws {
        let slow = Flag()
        let second = try TestEngine { $0.close() }
        let first = try TestEngine {
            if slow.isSet {
                // Until the race has begun, or for long enough where nobody sees that it has.
                let met = second.seen.requests.count
                let end = MonotonicClock.now() + 1_000_000_000
                while second.seen.requests.count == met, MonotonicClock.now() < end { usleep(5_000) }
            }
            $0.answer("first END")
        }
        defer { [first, second].forEach { $0.close() } }
        let proxy = try TestProxy(Catalog(models: [model("m", [first, second]) { $0.retry.hedges = true }]))
        let caller = try TestCaller(proxy.gateway)
        for _ in 0..<60 { #expect(caller.ask("m", "END").hasSuffix("first END")) }
        // One that the machine held up may have been raced, too.
        let before = try routes(proxy).first { $0.name == "m" }?.hedges ?? 0
        slow.set()
        #expect(caller.ask("m", "END").hasSuffix("first END"))
        second.close()
        #expect(caller.ask("m", "END").hasSuffix("first END"))
        let route = try routes(proxy).first { $0.name == "m" }
        #expect((before + 1...before + 2).contains(route?.hedges ?? 0) && route?.hedgesWon == 0)
        #expect(try endpoints(proxy).allSatisfy { $0.inFlight == 0 })
    }

    @Test(arguments: [1, 2])
    func drainedEndpointsGetNothing(loops: Int) throws {
        let first = try TestEngine { $0.answer("first END") }
        let second = try TestEngine { $0.answer("second END") }
        defer { [first, second].forEach { $0.close() } }
        let proxy = try TestProxy(Catalog(models: [model("m", [first, second])]), loops: loops)
        #expect(try TestCaller(proxy.gateway).ask("m", "END").hasSuffix("first END"))
        proxy.take([EndpointStanding(key: key(first), isDrained: true)])
        for _ in 0..<8 { #expect(try TestCaller(proxy.gateway).ask("m", "END").hasSuffix("second END")) }
        try proxy.reload()
        #expect(try TestCaller(proxy.gateway).ask("m", "END").hasSuffix("second END"))
        #expect(try endpoints(proxy).first { $0.key == key(first) }?.standby == .drained)
        proxy.take([])
        for _ in 0..<8 { #expect(try TestCaller(proxy.gateway).ask("m", "END").hasSuffix("first END")) }
    }

    @Test func whatOneLoopFindsAllKnowAndTheAgentHearsOnce() throws {
        let dead = try TestEngine { $0.close() }
        let engine = try TestEngine { $0.answer("END") }
        dead.close()
        defer { engine.close() }
        let catalog = Catalog(models: [model("m", [dead, engine]) { $0.breaker.failures = 1 }])
        let proxy = try TestProxy(catalog, loops: 4)
        for _ in 0..<20 { #expect(try TestCaller(proxy.gateway).ask("m", "END").hasSuffix("END")) }
        let event = try #require(proxy.event(.endpointStandby))
        #expect(event.model == "m" && event.address == dead.address && event.detail.contains("breaker"))
        let record = try endpoints(proxy).first { $0.key == key(dead) }
        #expect(record?.standby == .breaker)
        // One loop met it, or those that did so before they heard of it.
        #expect((1...4).contains(record?.failures ?? 0))
        #expect(try endpoints(proxy).first { $0.key == key(engine) }?.requests == 20)
    }

    @Test func rotationMovesAllLoops() throws {
        let first = try TestEngine { $0.answer("first END") }
        let second = try TestEngine { $0.answer("second END") }
        defer { [first, second].forEach { $0.close() } }
        let proxy = try TestProxy(Catalog(models: [model("m", [first, second])]), loops: 2)
        #expect(proxy.ask(.rotate("m")) == .rotated(from: key(first), to: key(second)))
        #expect(proxy.event(.endpointStandby)?.detail.contains("rotated") == true)
        for _ in 0..<8 { #expect(try TestCaller(proxy.gateway).ask("m", "END").hasSuffix("second END")) }
        #expect(proxy.ask(.rotate("nothing")) == .rotated(from: nil, to: nil))
    }

    @Test func explanationsAgreeWithWhatHappens() throws {
        let engine = try TestEngine { $0.answer("END") }
        defer { engine.close() }
        let proxy = try TestProxy(Catalog(models: [model("m", [engine])]), loops: 2)
        guard case .explanation(let decision)? = proxy.ask(.explain(ExplainQuery(model: "m"))) else {
            Issue.record("no explanation")
            return
        }
        #expect(decision.kind == "model")
        #expect(decision.chosen.map { decision.candidates[$0].key } == key(engine))
        guard case .explanation(let nothing)? = proxy.ask(.explain(ExplainQuery(model: "x"))) else {
            Issue.record("no explanation")
            return
        }
        #expect(nothing.status == 404)
        // Nothing of it counts as a request.
        #expect(try routes(proxy).first { $0.name == "m" }?.requests == 0)
    }

    @Test func decisionsAreToldToWhoeverWatches() throws {
        let engine = try TestEngine { $0.answer("END") }
        defer { engine.close() }
        let proxy = try TestProxy(Catalog(models: [model("m", [engine])]))
        proxy.watchDecisions()
        #expect(try TestCaller(proxy.gateway).ask("m", "END").hasSuffix("END"))
        #expect(proxy.event(.decision)?.detail.contains("m -> m http://") == true)
    }

    // MARK: -

    private func endpoints(_ proxy: TestProxy) throws -> [EndpointRecord] {
        guard case .routing(let endpoints, _)? = proxy.ask(.routing) else { throw Missing() }
        return endpoints
    }

    private func routes(_ proxy: TestProxy) throws -> [RouteRecord] {
        guard case .routing(_, let routes)? = proxy.ask(.routing) else { throw Missing() }
        return routes
    }

    private struct Missing: Error {}

}

/// Waits for up to twenty seconds for something to become true.
func eventually(_ condition: () throws -> Bool) throws {
    let deadline = MonotonicClock.now() + 20_000_000_000
    while try !condition() {
        guard MonotonicClock.now() < deadline else {
            Issue.record("it did not happen")
            return
        }
        usleep(5_000)
    }
}

/// Something that a test switches and an engine looks at.
final class Flag: Sendable {
    private let state = Mutex(false)
    var isSet: Bool { state.withLock { $0 } }
    func set() { state.withLock { $0 = true } }
    func clear() { state.withLock { $0 = false } }
}

/// Configurations that are no longer in force hold nothing.
@Suite struct ReloadTests {
    @Test func oldConfigurationsAreReleased() throws {
        let outbox = try Outbox()
        let engine = SocketAddress(ip: IPAddress(v4: 127, 0, 0, 1), port: 9)
        var group = try LoopGroup(outbox)
        func settings(_ generation: UInt64) -> ProxySettings {
            let tls = EndpointTLS(serverName: "a.example")
            let endpoints = [
                Endpoint(host: "a", port: 9, authority: "a:9", addresses: [engine], tls: tls),
                Endpoint(host: "b", port: 9, authority: "b:9", addresses: [engine]),
            ]
            let catalog = Catalog(
                models: [Model(name: "m", endpoints: endpoints)], pools: [Pool(name: "p", models: [.init(model: "m")])])
            return ProxySettings(generation: generation, catalog: catalog, hostNetnsCookie: 0)
        }
        weak var first: ProxyConfiguration?
        weak var previous: ProxyConfiguration?
        let worker = try {
            let configuration = try group.configuration(settings(1))
            first = configuration
            let shared = RoutingShared()
            let start = WorkerThread.Start(
                mailbox: try Mailbox(), outbox: outbox, audit: try AuditWriter(), desk: TokenDesk(), configuration: configuration,
                shared: shared, room: WaitingRoom(shared), loop: 0, loops: 1)
            return try Worker(start, seed: 1)
        }()
        #expect(first != nil)
        for generation in 2...100 as ClosedRange<UInt64> {
            let configuration = try group.configuration(settings(generation))
            worker.adopt(configuration)
            #expect(previous == nil)
            previous = configuration
        }
        #expect(first == nil)
        #expect(previous != nil)
        #expect(worker.configuration.generation == 100)
    }
}
