import Admission
import Catalog
import QueueSimulation
import Testing

/// The limit is found from latencies, beside an engine that serves so many at once and lets the rest wait inside.
@Suite struct LimitControllerTests {
    private static let seconds: UInt64 = 1_000_000_000

    struct Case: Sendable, CustomTestStringConvertible {
        var name: String
        var service: MockServer.Service
        /// Of the capacity; one slot is never too much where latencies differ by themselves.
        var tolerance = 0.2
        var slack = 0.0
        var testDescription: String { name }

        func isFar(_ found: UInt32, from capacity: Int) -> Bool {
            abs(Double(found) - Double(capacity)) > max(Double(capacity) * tolerance, slack)
        }
    }

    static let cases = [
        Case(name: "20 ms", service: .fixed(2e7)), Case(name: "100 ms", service: .fixed(1e8)),
        Case(name: "250 ms", service: .fixed(2.5e8)), Case(name: "70 to 130 ms", service: .uniform(7e7...1.3e8)),
        Case(name: "by length, 20 to 180 ms", service: .uniform(2e7...1.8e8), tolerance: 0.35, slack: 2),
    ]

    @Test(arguments: cases, [1, 2, 3] as [UInt64]) func aChangingCapacityIsFound(_ situation: Case, seed: UInt64) {
        var server = MockServer(capacity: 8, service: situation.service, seed: seed)
        var controller = LimitController(AdaptiveLimit())
        for capacity in [8, 32, 4, 16] {
            server.capacity = capacity
            let found = server.run(10 * Self.seconds, &controller)
            #expect(!situation.isFar(found.last ?? 0, from: capacity), "\(capacity): \(found.suffix(20))")
        }
    }

    /// And stays found.
    @Test(arguments: cases) func whatIsFoundStays(_ situation: Case) {
        var server = MockServer(capacity: 12, service: situation.service, seed: 3)
        var controller = LimitController(AdaptiveLimit())
        _ = server.run(10 * Self.seconds, &controller)
        let found = server.run(60 * Self.seconds, &controller)
        let off = found.count { situation.isFar($0, from: 12) }
        #expect(off * 10 < found.count, "\(off) of \(found.count): \(found)")
    }

    @Test func whatIsNotReachedDoesNotGrow() {
        var server = MockServer(capacity: 64, service: .fixed(1e8), offered: 100)
        var controller = LimitController(AdaptiveLimit(initial: 24))
        let found = server.run(60 * Self.seconds, &controller)
        #expect(found.allSatisfy { $0 <= 26 } && (found.last ?? 0) >= 16, "\(Set(found))")
    }

    /// Less is offered than the engine could serve: the limit grows no further than what comes at once.
    @Test func littleDemandIsNoReasonToGrow() {
        var server = MockServer(capacity: 32, service: .uniform(5e7...1.5e8), offered: 160)
        var controller = LimitController(AdaptiveLimit())
        let found = server.run(120 * Self.seconds, &controller)
        #expect(found.allSatisfy { $0 <= 64 } && (found.last ?? 0) >= 12, "\(Set(found))")
    }

    /// Longer answers are no sign of a full engine.
    @Test func slowerIsNotFuller() {
        var server = MockServer(capacity: 16, service: .fixed(5e7))
        var controller = LimitController(AdaptiveLimit())
        _ = server.run(10 * Self.seconds, &controller)
        server.service = .fixed(2e8)
        let found = server.run(15 * Self.seconds, &controller)
        #expect((14...18).contains(found.last ?? 0), "\(found)")
    }

    @Test func anEngineThatRefusesIsGivenLess() {
        var server = MockServer(capacity: 64, service: .fixed(1e8))
        server.refusesBeyond = 10
        var controller = LimitController(AdaptiveLimit(initial: 40))
        let found = server.run(20 * Self.seconds, &controller)
        #expect(found.suffix(100).allSatisfy { (8...10).contains($0) }, "\(found)")
    }

    @Test func theBoundsHold() {
        var controller = LimitController(AdaptiveLimit(least: 0, most: 0, initial: 9))
        #expect(controller.limit == 1)
        controller.take(LatencyBatch(count: 0, failures: 1), now: 1)
        #expect(controller.limit == 1)
        for (least, most, capacity) in [(1, 6, 32), (10, 50, 4)] as [(UInt32, UInt32, Int)] {
            var server = MockServer(capacity: capacity, service: .fixed(5e7))
            controller = LimitController(AdaptiveLimit(least: least, most: most))
            let found = server.run(20 * Self.seconds, &controller)
            #expect(found.last == (capacity == 4 ? 10 : 6) && found.allSatisfy { (least...most).contains($0) }, "\(found)")
        }
    }
}
