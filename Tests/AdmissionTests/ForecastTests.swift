import Admission
import Catalog
import Testing

/// What is said of a ticket that is not entered.
@Suite struct ForecastTests {
    private static let batch = GroupTerms.batchLevel

    private func place(_ bench: QueueBench, _ group: Int = 0, level: Int32? = nil) -> Int? {
        guard case .waits(_, let place, _) = bench.scheduler.forecast(bench.ask(group, level: level), now: bench.now) else {
            return nil
        }
        return place
    }

    @Test func itIsWhatEnteringSaysThen() {
        var bench = QueueBench([GroupTerms(name: "default"), GroupTerms(name: "b")], queue: QueuePolicy(length: 4))
        for count in 0..<4 {
            #expect(place(bench) == count + 1 && place(bench, 1) == 1)
            bench.enter()
        }
        let ask = bench.ask()
        #expect(bench.scheduler.forecast(ask, now: bench.now) == .full(retryAfter: 2 * QueueBench.second))
        #expect(bench.enter().0 == .full(retryAfter: 2 * QueueBench.second))
        // The other group has its part of the line yet to get.
        #expect(place(bench, 1) == 1)
    }

    @Test func nothingChanges() {
        var bench = QueueBench(
            [GroupTerms(name: "default"), GroupTerms(name: "night", level: Self.batch)], queue: QueuePolicy(length: 2))
        bench.enter(1)
        bench.enter(1)
        #expect(place(bench) == 1 && place(bench, 1) == nil)
        #expect(bench.scheduler.count == 2 && bench.figures("night")?.shed == 0 && bench.figures("night")?.full == 0)
        #expect(bench.grants() == [1, 2])
    }

    @Test func howLongItTakesIsSaidOnceThatIsKnown() {
        var bench = QueueBench(queue: QueuePolicy(length: 1_000))
        for _ in 0..<200 { bench.enter() }
        guard case .waits(0, 201, nil) = bench.scheduler.forecast(bench.ask(), now: bench.now) else {
            Issue.record("nobody can know that yet")
            return
        }
        for _ in 0..<100 {
            bench.now += 100 * QueueBench.millisecond
            _ = bench.grants(1)
        }
        guard case .waits(0, 101, let wait?) = bench.scheduler.forecast(bench.ask(), now: bench.now) else {
            Issue.record("it is known by now")
            return
        }
        #expect(abs(Double(wait) / Double(10 * QueueBench.second) - 1) < 0.3, "\(wait)")
    }

    @Test func whatWouldWaitInVainIsHopeless() {
        var bench = QueueBench(
            [GroupTerms(name: "default"), GroupTerms(name: "night", level: Self.batch)], queue: QueuePolicy(length: 1_000))
        for _ in 0..<200 { bench.enter() }
        for _ in 0..<50 {
            bench.now += 100 * QueueBench.millisecond
            _ = bench.grants(1)
        }
        let ask = bench.ask(1, patience: QueueBench.second)
        guard case .hopeless = bench.scheduler.forecast(ask, now: bench.now) else {
            Issue.record("it has a second, and needs fifteen")
            return
        }
    }
}
