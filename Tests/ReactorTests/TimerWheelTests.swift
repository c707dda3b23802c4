import Reactor
import Testing

@Suite struct TimerWheelTests {
    static let tick = TimerWheel.tick

    static func expired(_ wheel: inout TimerWheel, at now: UInt64) -> [UInt64] {
        var entries: [TimerWheel.Entry] = []
        wheel.expire(now: now, into: &entries)
        return entries.map(\.token)
    }

    @Test func nothingComesEarlyAndNothingIsForgotten() {
        var wheel = TimerWheel(now: 0)
        let deadlines = (1...500).map { UInt64($0) * 7_300_000 }
        for (token, deadline) in deadlines.enumerated() { wheel.add(UInt64(token), deadline: deadline) }
        var out: Set<UInt64> = []
        var now: UInt64 = 0
        while out.count < deadlines.count, now < 10_000_000_000 {
            now += 3_000_000
            for token in Self.expired(&wheel, at: now) {
                let deadline = deadlines[Int(token)]
                #expect(deadline <= now && now < deadline + 2 * Self.tick + 3_000_000)
                #expect(out.insert(token).inserted)
            }
        }
        #expect(out.count == deadlines.count && wheel.count == 0)
    }

    @Test func aDeadlineBeyondOneTurnWaitsItsTurns() {
        var wheel = TimerWheel(now: 0)
        let far = Self.tick * 5000
        wheel.add(1, deadline: far)
        #expect(Self.expired(&wheel, at: Self.tick * 2000).isEmpty)
        #expect(Self.expired(&wheel, at: far - 1).isEmpty)
        #expect(Self.expired(&wheel, at: far + Self.tick) == [1])
    }

    @Test func aLongSleepMissesNothing() {
        var wheel = TimerWheel(now: 0)
        for token in 0..<100 { wheel.add(UInt64(token), deadline: UInt64(token) * 40_000_000) }
        #expect(Self.expired(&wheel, at: 3_600_000_000_000).count == 100)
    }

    @Test func waitsUntilTheNextTickInUse() {
        var wheel = TimerWheel(now: 0)
        #expect(wheel.waitMilliseconds(now: 0) == -1)
        wheel.add(1, deadline: 100_000_000)
        let wait = wheel.waitMilliseconds(now: 0)
        #expect(wait > 90 && wait <= 105)
    }
}
