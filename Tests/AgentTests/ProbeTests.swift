import Catalog
import Glibc
import Logging
import Synchronization
import Testing

@testable import Agent

@Suite struct ProbeScheduleTests {
    private let a = SocketAddress(ip: IPAddress(v4: 127, 0, 0, 1), port: 1)
    private let b = SocketAddress(ip: IPAddress(v4: 127, 0, 0, 1), port: 2)
    private let period = ProbeSchedule.period

    /// Asks all that is due at a time; each answers as `answers` says.
    private func ask(_ schedule: inout ProbeSchedule, _ now: UInt64, _ answers: Bool) -> [Bool] {
        schedule.due(now).compactMap { schedule.finished($0, succeeded: answers) }
    }

    @Test func asksEachOnceInAPeriod() {
        var schedule = ProbeSchedule()
        schedule.watch([a: true, b: true], now: 1000)
        #expect(schedule.due(1000) == [a])
        #expect(schedule.due(1000 + period / 2) == [b], "they are spread over the period")
        #expect(schedule.due(1000 + period) == [], "nobody is asked twice at a time")
        #expect(schedule.finished(a, succeeded: true) == nil)
        #expect(schedule.due(1000 + period) == [a])
        #expect(ProbeSchedule().next == nil)
    }

    @Test func twoFailuresFellAndOneSuccessRaises() {
        var schedule = ProbeSchedule()
        schedule.watch([a: true], now: 0)
        #expect(ask(&schedule, 0, false) == [])
        #expect(schedule.usable == [a: true])
        #expect(ask(&schedule, period, false) == [false])
        #expect(ask(&schedule, 2 * period, false) == [], "it has fallen already")
        #expect(ask(&schedule, 3 * period, true) == [true])
        #expect(ask(&schedule, 4 * period, false) == [])
        #expect(ask(&schedule, 5 * period, true) == [], "a success between two failures starts the count again")
        #expect(ask(&schedule, 6 * period, false) == [])
        #expect(ask(&schedule, 7 * period, false) == [false])
    }

    @Test func whoIsSilentIsLate() {
        var schedule = ProbeSchedule()
        schedule.watch([a: true], now: 0)
        #expect(schedule.due(0) == [a])
        #expect(schedule.next == ProbeSchedule.timeout)
        #expect(schedule.late(ProbeSchedule.timeout - 1) == [])
        #expect(schedule.late(ProbeSchedule.timeout) == [a])
        #expect(schedule.finished(a, succeeded: false) == nil)
        #expect(schedule.due(period) == [a])
        #expect(schedule.late(period + ProbeSchedule.timeout) == [a])
        #expect(schedule.finished(a, succeeded: false) == false)
        #expect(period + ProbeSchedule.timeout < 1_000_000_000)
    }

    @Test func anAnswerThatNobodyWaitsForCountsForNothing() {
        var schedule = ProbeSchedule()
        #expect(schedule.finished(a, succeeded: false) == nil)
        schedule.watch([a: false], now: 0)
        #expect(schedule.finished(a, succeeded: true) == nil)
        #expect(schedule.usable == [a: false])
        _ = schedule.due(0)
        schedule.abandoned(a)
        #expect(schedule.finished(a, succeeded: true) == nil)
        #expect(schedule.usable == [a: false], "who could not be asked stays as he was")
        #expect(schedule.due(period) == [a])
    }

    @Test func keepsWhatItKnowsOfThoseThatStay() {
        var schedule = ProbeSchedule()
        schedule.watch([a: true], now: 0)
        _ = ask(&schedule, 0, false)
        _ = ask(&schedule, period, false)
        schedule.watch([a: true, b: true], now: 2 * period)
        #expect(schedule.usable == [a: false, b: true])
        schedule.watch([b: true], now: 2 * period)
        #expect(schedule.usable == [b: true])
        schedule.watch([:], now: 0)
        #expect(schedule.next == nil)
    }

    @Test func aLongHaltIsNotMadeUpFor() {
        var schedule = ProbeSchedule()
        schedule.watch([a: true], now: 0)
        _ = ask(&schedule, 0, true)
        #expect(schedule.due(1000 * period + 5) == [a])
        _ = schedule.finished(a, succeeded: true)
        #expect(schedule.due(1000 * period + 6) == [])
        #expect(schedule.next == 1001 * period)
    }
}

@Suite struct EndpointProberTests {
    private final class Changes: Sendable {
        private let list = Mutex<[(change: EndpointProber.Change, at: ContinuousClock.Instant)]>([])
        var all: [EndpointProber.Change] { list.withLock { $0.map(\.change) } }
        /// When it was told, whenever the test sees it.
        var last: ContinuousClock.Instant? { list.withLock { $0.last?.at } }
        func add(_ change: EndpointProber.Change) { list.withLock { $0.append((change, .now)) } }
    }

    /// A listener on a free port of 127.0.0.1, or on a given one.
    private func listener(port: UInt16 = 0) throws -> (descriptor: Int32, address: SocketAddress) {
        let ip = IPAddress(v4: 127, 0, 0, 1)
        let descriptor = try Listener.tcp(SocketAddress(ip: ip, port: port))
        var name = sockaddr_in()
        var size = socklen_t(MemoryLayout<sockaddr_in>.size)
        withUnsafeMutablePointer(to: &name) { pointer in
            _ = pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { getsockname(descriptor, $0, &size) }
        }
        return (descriptor, SocketAddress(ip: ip, port: UInt16(bigEndian: name.sin_port)))
    }

    @Test func seesAnEndpointFallAndRiseWithinASecond() async throws {
        var logger = Logger(label: "test")
        logger.logLevel = .critical
        // The second is the prober's: one in which the machine did not run it for long is not its own.
        for attempt in 1...5 {
            let stalls = try Stalls()
            let took = try await fallAndRise(logger)
            let largest = stalls.end()
            if took >= .seconds(1), largest > .milliseconds(50), attempt < 5 { continue }
            #expect(took < .seconds(1), "the machine stood still for \(largest)")
            return
        }
    }

    /// How long it takes to see that an endpoint has fallen.
    private func fallAndRise(_ logger: Logger) async throws -> Duration {
        var (descriptor, address) = try listener()
        let changes = Changes()
        let prober = EndpointProber(logger: logger) { changes.add($0) }
        let running = Task { try await prober.run() }
        defer {
            running.cancel()
            close(descriptor)
        }
        prober.watch([address: true])
        // Each connection accepted is a probe that was answered.
        _ = fcntl(descriptor, F_SETFL, O_NONBLOCK)
        var answered = 0
        #expect(
            await eventually {
                let probe = accept(descriptor, nil, nil)
                guard probe >= 0 else { return false }
                close(probe)
                answered += 1
                return answered == 3
            })
        #expect(changes.all == [], "it answers")
        close(descriptor)
        let before = ContinuousClock.now
        #expect(await eventually { changes.all.count == 1 })
        let took = try #require(changes.last) - before
        #expect(changes.all.first == EndpointProber.Change(address: address, usable: false, reason: "Connection refused"))
        #expect(prober.usable == [address: false])
        descriptor = try listener(port: address.port).descriptor
        #expect(await eventually { changes.all.count == 2 })
        #expect(changes.all.last == EndpointProber.Change(address: address, usable: true, reason: nil))
        return took
    }

    /// Connections that nobody accepts fill the listener's queue: what comes then is neither taken nor refused.
    @Test func silenceIsAFailure() async throws {
        let (descriptor, address) = try listener()
        defer { close(descriptor) }
        listen(descriptor, 0)
        var held: [Probe] = []
        for _ in 0..<8 { if case .underWay(let probe) = Probe.start(address) { held.append(probe) } }
        let changes = Changes()
        let prober = EndpointProber(logger: Logger(label: "test")) { changes.add($0) }
        let running = Task { try await prober.run() }
        defer { running.cancel() }
        prober.watch([address: true])
        #expect(await eventually { !changes.all.isEmpty })
        #expect(changes.all.first?.reason == "no answer in 200 ms")
        withExtendedLifetime(held) {}
    }
}
