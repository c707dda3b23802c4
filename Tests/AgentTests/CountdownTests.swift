import Synchronization
import Testing

@testable import Agent

@Suite struct CountdownTests {
    private static var soon: UInt64 { Clocks.monotonic() + 20_000_000 }
    private static var late: UInt64 { Clocks.monotonic() + 20_000_000_000 }

    @Test func waitsUntilItHasHappenedSoOften() async throws {
        let countdown = Countdown(2)
        let waited = Mutex(0)
        countdown.signal()
        #expect(try await blocking { !countdown.wait(until: Self.soon) })
        countdown.signal()
        // Everybody, and as often as they ask.
        for _ in 0..<3 { if try await blocking({ countdown.wait(until: Self.late) }) { waited.withLock { $0 += 1 } } }
        #expect(waited.withLock(\.self) == 3)
    }

    @Test func severalWaitTogether() async throws {
        let countdown = Countdown(1)
        let found = try await withThrowingTaskGroup(of: Bool.self) { group in
            for _ in 0..<4 { group.addTask { try await blocking { countdown.wait(until: Self.late) } } }
            countdown.signal()
            return try await group.reduce(into: []) { $0.append($1) }
        }
        #expect(found == [true, true, true, true])
    }

    @Test func nothingIsNotWaitedFor() { #expect(Countdown(0).wait(until: 0)) }
}
