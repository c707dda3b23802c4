import Catalog
import Control
import Logging
import Synchronization
import Testing

@testable import Agent

private func address(_ last: UInt8) -> SocketAddress { SocketAddress(ip: IPAddress(v4: 10, 0, 0, last), port: 80) }

private func key(_ name: String, _ last: UInt8) -> EndpointKey { EndpointKey(url: "http://\(name)", address: address(last)) }

private func endpoint(_ name: String, _ last: [UInt8], cron: String? = nil) -> Endpoint {
    Endpoint(
        host: name, port: 80, authority: name, addresses: last.map(address),
        health: HealthCheck(failures: 1), maintenance: cron.map { [MaintenanceWindow(cron: $0, duration: 600_000)] } ?? [])
}

@Suite struct StandingsTests {
    /// Whoever is told, remembering it.
    private final class Ears: Sendable {
        struct Heard {
            var proxy: [[EndpointStanding]] = []
            var kernel: [Set<EndpointKey>] = []
            var events: [EventReport] = []
        }

        let heard = Mutex(Heard())
        let time = Mutex<UInt64>(0)

        var audience: Standings.Audience {
            Standings.Audience(
                proxy: { list in self.heard.withLock { $0.proxy.append(list) } },
                kernel: { out in self.heard.withLock { $0.kernel.append(out) } },
                event: { event in self.heard.withLock { $0.events.append(event) } })
        }
    }

    private let scratch: Scratch
    private let ears = Ears()
    private let catalog = Catalog(
        models: [Model(name: "a", endpoints: [endpoint("x", [1, 2])]), Model(name: "b", endpoints: [endpoint("x", [1, 2])])],
        pools: [Pool(name: "p", fallback: [endpoint("y", [3])])])

    init() throws { scratch = try Scratch() }

    private func standings() -> Standings {
        var logger = Logger(label: "test")
        logger.logLevel = .critical
        return Standings(file: DrainFile(path: scratch["drained"]), audience: ears.audience, logger: logger) {
            [ears] in ears.time.withLock { $0 }
        }
    }

    @Test func aFailedCheckIsToldEverywhere() {
        let standings = standings()
        standings.adopt(catalog)
        standings.take(key("x", 1), fault: "status 503")
        standings.take(key("x", 1), fault: "status 503")
        standings.take(key("z", 9), fault: "nobody's")
        #expect(ears.heard.withLock(\.proxy) == [[EndpointStanding(key: key("x", 1), fault: "status 503")]])
        #expect(ears.heard.withLock(\.kernel) == [[key("x", 1)]])
        let events = ears.heard.withLock(\.events)
        #expect(events.map(\.kind) == [.endpointDown, .endpointDown])
        #expect(events.map(\.model) == ["a", "b"])
        #expect(events[0].address == "10.0.0.1:80" && events[0].reason == "probe")
        #expect(events[0].detail == "http://x: probe: status 503")
        standings.take(key("x", 1), fault: nil)
        #expect(ears.heard.withLock(\.proxy).last == [])
        #expect(ears.heard.withLock(\.events).last?.kind == .endpointUp)
        #expect(standings.all.isEmpty)
    }

    @Test func aServerThatIsNotToRunIsNotUnwell() {
        var asleep = endpoint("x", [1])
        asleep.isOnDemand = true
        let standings = standings()
        standings.adopt(Catalog(models: [Model(name: "a", endpoints: [asleep, endpoint("y", [2])])]))
        #expect(ears.heard.withLock(\.proxy).last == [EndpointStanding(key: key("x", 1), phase: .asleep)])
        #expect(ears.heard.withLock(\.kernel).last == [key("x", 1)])
        standings.take(key("x", 1), fault: "refused")
        #expect(ears.heard.withLock(\.proxy).count == 1)
        standings.take([key("x", 1): EngineStanding(phase: .failed, retryAt: 7)])
        #expect(ears.heard.withLock(\.proxy).last == [EndpointStanding(key: key("x", 1), phase: .failed, retryAt: 7)])
        standings.take([key("x", 1): EngineStanding(phase: .ready)])
        #expect(ears.heard.withLock(\.proxy).last == [EndpointStanding(key: key("x", 1), phase: .ready)])
        #expect(ears.heard.withLock(\.kernel).last == [])
        #expect(ears.heard.withLock(\.events).isEmpty, "what the server does is told by who starts it")
        standings.take(key("x", 1), fault: "status 503")
        #expect(ears.heard.withLock(\.events).map(\.kind) == [.endpointDown])
        standings.take([key("x", 1): EngineStanding(phase: .starting)])
        #expect(ears.heard.withLock(\.events).map(\.kind) == [.endpointDown, .endpointUp])
        standings.take([key("x", 1): EngineStanding(phase: .ready)])
        #expect(standings.all[key("x", 1)]?.fault == "", "what was found before it started again is void")
    }

    @Test func loadsAreToldAndKeepNobodyOut() {
        let standings = standings()
        standings.adopt(catalog)
        standings.take(loads: [key("x", 1): LoadReading(load: 5)])
        standings.take(loads: [key("x", 1): LoadReading(load: 5, number: 2)])
        #expect(
            ears.heard.withLock(\.proxy) == (1...2).map { [EndpointStanding(key: key("x", 1), load: 5, reading: $0)] })
        #expect(ears.heard.withLock { $0.kernel.allSatisfy { $0.isEmpty } })
        standings.take(loads: [:])
        #expect(ears.heard.withLock(\.proxy).last == [])
        #expect(ears.heard.withLock(\.events).isEmpty)
    }

    @Test func aDrainIsOfTheWholeServerAndLasts() throws {
        let first = standings()
        first.adopt(catalog)
        #expect(try first.drain("http://x", true, by: 7) == (["a", "b"], true))
        #expect(try first.drain("http://x", true, by: nil) == (["a", "b"], false))
        #expect(throws: AgentError("no endpoint has the URL http://z")) { try first.drain("http://z", true, by: nil) }
        #expect(first.all.keys.count == 2)
        #expect(ears.heard.withLock(\.events).first?.kind == .endpointDrained)
        #expect(ears.heard.withLock(\.events).first?.detail == "by uid 7: http://x: a, b")
        let second = standings()
        #expect(second.isDrained("http://x"))
        second.adopt(catalog)
        #expect(ears.heard.withLock(\.proxy).last?.map(\.isDrained) == [true, true])
        // An address that is new is drained, too.
        second.adopt(Catalog(models: [Model(name: "a", endpoints: [endpoint("x", [7])])]))
        #expect(second.all[key("x", 7)]?.isDrained == true)
        #expect(try second.drain("http://x", false, by: nil) == (["a"], true))
        #expect(!File.exists(scratch["drained"]))
    }

    /// Out of the configuration for a while is not enabled.
    @Test func aDrainOutlivesTheConfiguration() throws {
        let standings = standings()
        standings.adopt(catalog)
        _ = try standings.drain("http://y", true, by: nil)
        standings.adopt(Catalog())
        #expect(standings.forgotten == ["http://y"])
        #expect(standings.all.isEmpty)
        standings.adopt(catalog)
        #expect(standings.all[key("y", 3)]?.isDrained == true)
        standings.adopt(Catalog())
        #expect(try standings.drain("http://y", false, by: nil) == ([], true))
        #expect(standings.forgotten == [])
        #expect(ears.heard.withLock(\.events).last?.detail == "by hand: http://y: no longer configured")
    }

    @Test func whatCannotBeWrittenIsNotDone() throws {
        var logger = Logger(label: "test")
        logger.logLevel = .critical
        let standings = Standings(
            file: DrainFile(path: scratch["none/drained"]), audience: ears.audience, logger: logger, clock: { 0 })
        standings.adopt(catalog)
        #expect(throws: AgentError.self) { try standings.drain("http://x", true, by: nil) }
        #expect(!standings.isDrained("http://x"))
        #expect(ears.heard.withLock(\.proxy).isEmpty)
    }

    /// Ten minutes from three o'clock on; the days since 1970 do not matter.
    @Test func maintenanceComesAndGoes() {
        let standings = standings()
        let hour: UInt64 = 3600
        ears.time.withLock { $0 = 2 * hour }
        standings.adopt(Catalog(models: [Model(name: "a", endpoints: [endpoint("x", [1], cron: "0 3 * * *")])]))
        standings.tick()
        #expect(ears.heard.withLock(\.proxy).isEmpty)
        ears.time.withLock { $0 = 3 * hour }
        standings.tick()
        let until = (3 * hour + 600) * 1000
        #expect(
            ears.heard.withLock(\.proxy) == [[EndpointStanding(key: key("x", 1), maintenanceUntil: until)]])
        let event = ears.heard.withLock(\.events).last
        #expect(event?.kind == .endpointStandby && event?.reason == "maintenance")
        #expect(event?.detail == "http://x: maintenance: until 1970-01-01T03:10:00.000Z")
        ears.time.withLock { $0 = 3 * hour + 599 }
        standings.tick()
        #expect(ears.heard.withLock(\.proxy).count == 1)
        ears.time.withLock { $0 = 3 * hour + 600 }
        standings.tick()
        #expect(ears.heard.withLock(\.proxy).last == [])
        #expect(ears.heard.withLock(\.events).last?.kind == .endpointActive)
        // A clock that is set back.
        ears.time.withLock { $0 = 3 * hour + 60 }
        standings.tick()
        #expect(ears.heard.withLock(\.proxy).last?.first?.maintenanceUntil == until)
    }

    @Test func severalWindowsOfOneServerAreJoined() {
        var plan = MaintenancePlan([MaintenanceWindow(cron: "0 3 * * *", duration: 600_000)])
        plan.add([MaintenanceWindow(cron: "5 3 * * *", duration: 600_000), MaintenanceWindow(cron: "x", duration: 1)])
        #expect(plan.end(at: 3 * 3600 + 400) == (3 * 3600 + 900) * 1000)
        #expect(plan.next(after: 3 * 3600) == 3 * 3600 + 300)
        #expect(MaintenancePlan().end(at: 0) == nil)
    }

    @Test func theWeightierReasonCounts() {
        var standing = EndpointStanding(key: key("x", 1), fault: "refused")
        #expect(standing.reason == .probe)
        standing.isDrained = true
        #expect(standing.reason == .drained)
        standing.maintenanceUntil = 1
        #expect(standing.reason == .maintenance)
    }
}
