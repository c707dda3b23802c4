import Testing

@testable import Agent

/// What a DNS message says of how long it holds, whatever it is made of.
@Suite struct NameLifetimeTests {
    /// One question for `m.example`, and the records.
    private func message(_ records: [[UInt8]], questions: UInt8 = 1, count: UInt8? = nil) -> [UInt8] {
        let name: [UInt8] = [1, 0x6D, 7] + Array("example".utf8) + [0]
        let head: [UInt8] = [0x12, 0x34, 0x81, 0x80, 0, questions, 0, count ?? UInt8(records.count), 0, 0, 0, 0]
        return head + (name + [0, 1, 0, 1]) + records.joined()
    }

    private func record(_ seconds: UInt32, data: [UInt8] = [10, 0, 0, 1], type: UInt8 = 1) -> [UInt8] {
        let ttl = (0..<4).map { UInt8(truncatingIfNeeded: seconds >> UInt32(24 - 8 * $0)) }
        return [0xC0, 12, 0, type, 0, 1] + ttl + [0, UInt8(data.count)] + data
    }

    private func least(_ records: [[UInt8]], questions: UInt8 = 1, count: UInt8? = nil) -> UInt32? {
        let bytes = message(records, questions: questions, count: count)
        return NameLifetime.least(bytes.span)
    }

    @Test func isTheLeastOfItsRecords() {
        #expect(least([record(300)]) == 300)
        // An alias holds for a minute, what it stands for longer.
        #expect(least([record(60, data: [1, 0x61, 0], type: 5), record(3600)]) == 60)
        #expect(least([record(0), record(5)]) == 0)
        #expect(least([record(0x8000_0001)]) == 0)
    }

    @Test func isUnknownWithoutRecords() {
        #expect(least([]) == nil)
        let nothing: [UInt8] = []
        #expect(NameLifetime.least(nothing.span) == nil)
    }

    @Test func neverReadsBeyondTheMessage() {
        let whole = message([record(60, data: [1, 0x61, 0], type: 5), record(3600)])
        for length in 0..<whole.count { _ = NameLifetime.least(whole.span.extracting(first: length)) }
        #expect(least([record(60)], count: 200) == nil)
        #expect(least([record(60)], questions: 9) == nil)
        var random = SplitMix(state: 7)
        for _ in 0..<20_000 {
            var bytes = whole
            for _ in 0..<4 { bytes[Int(random.next() % UInt64(bytes.count))] = UInt8(truncatingIfNeeded: random.next()) }
            _ = NameLifetime.least(bytes.span)
        }
    }

    @Test func decidesWhenANameIsAskedForAgain() {
        var schedule = NameSchedule(seed: 1)
        let second: UInt64 = 1_000_000_000
        #expect(schedule.due(["a"], now: 0) == ["a"])
        schedule.finished("a", succeeded: true, seconds: 2, now: 0)
        #expect(schedule.due(["a"], now: second).isEmpty)
        #expect(schedule.due(["a"], now: 3 * second) == ["a"])
        schedule.finished("a", succeeded: true, seconds: 0, now: 0)
        #expect(schedule.due(["a"], now: 2 * second) == ["a"], "never more often than about once a second")
        schedule.finished("a", succeeded: true, seconds: .max, now: 0)
        #expect(schedule.due(["a"], now: 4000 * second) == ["a"], "and at least once an hour")
    }
}
