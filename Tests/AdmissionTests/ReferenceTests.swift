import Admission
import Catalog
import Testing

/// The bucket beside the textbook's leaky bucket in floating point, over random traffic.
@Suite struct ReferenceTests {
    /// Owed units, drained at the rate.
    struct LeakyBucket {
        let rate: Double
        let burst: Double
        var level = 0.0
        var last = 0.0

        mutating func drain(_ now: Double) {
            level = max(0, level - (now - last) * rate)
            last = now
        }

        /// How far from the line the decision lies, in units: positive admits.
        func margin(_ count: Double) -> Double { burst - min(count, burst) - level }
    }

    @Test(arguments: 0..<40)
    func randomTrafficIsJudgedAsTheTextbookDoes(seed: Int) {
        var random = SplitMix(state: UInt64(seed) &* 0x1234_5678_9ABC_DEF1)
        let units = UInt64.random(in: 1...1_000_000, using: &random)
        let window = Rate.Window.allCases[Int.random(in: 0..<2, using: &random)]
        let burst = UInt64.random(in: 1...max(2, units * 2), using: &random)
        var qos = QoS()
        qos.tokens = Rate(units, per: window)
        qos.tokenBurst = burst
        let memory = QoSMemory()
        memory.put(qos, "m", slot: 1)
        var table = AdmissionTable(memory.page, slots: [1], models: ["m"])
        let rate = Double(units) / Double(window.nanoseconds)
        var bucket = LeakyBucket(rate: rate, burst: Double(burst))
        var now: UInt64 = 1 << 40
        bucket.last = Double(now)
        // A token more or less than the reference is what a period rounded to nanoseconds makes of the tolerance.
        let slack = 1 + Double(burst) * 0.5 * rate
        for _ in 0..<3000 {
            now += UInt64.random(in: 0...UInt64(2 * Double(burst) / rate / 10), using: &random)
            bucket.drain(Double(now))
            let count = UInt64.random(in: 2...max(3, burst), using: &random)
            let margin = bucket.margin(Double(count))
            switch table.admit(0, tokens: count, prompt: 0, now: now) {
            case .granted(let grant):
                #expect(margin > -slack, "admitted \(count) of \(burst), \(margin) units over the line")
                let used = UInt64.random(in: 0...count * 2, using: &random)
                grant.settle(used: used, now: now)
                bucket.level = max(0, bucket.level + Double(used))
            case .denied(let denial):
                #expect(margin < slack, "refused \(count) of \(burst), \(margin) units under the line")
                #expect(denial.retry > 0)
            case .ungoverned: Issue.record("ungoverned")
            }
            let debt = Double(memory.debt(1, .tokens, now: now)) * rate
            #expect(
                abs(debt - bucket.level) < slack, "the bucket holds \(debt), the reference \(bucket.level)")
            // Both go on from the same point, so that rounding can't add up to a difference.
            bucket.level = debt
            guard abs(debt - bucket.level) < slack else { return }
        }
    }
}
