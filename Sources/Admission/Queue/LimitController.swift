package import Catalog

/// Finds how many requests an engine serves at once: those beyond wait inside it, which makes the latency of all of them grow
/// with their number, and they would better wait outside, where the most urgent one is next.
///
/// It compares the mean latency at the limit with the one at a limit a little higher or lower. Where more requests are not slower,
/// the limit grows, twofold as long as that goes on; where they are slower by as much as they are more, the engine is full, and
/// both together tell at what number it became so. Latencies that do not fall with the limit have another reason, such as longer
/// answers: then what counts as unhindered is learnt anew.
package struct LimitController: Sendable {
    private static let millisecond: UInt64 = 1_000_000
    /// Between two probes: the least time, and the most, which is reached while they find nothing.
    private static let shortest = 1_000 * millisecond
    private static let longest = 2_500 * millisecond
    /// Of the probes that find nothing, one in so many goes down.
    private static let downEvery = 5
    /// Latency over the unhindered one, from which on it is taken for a sign of waiting.
    private static let slower = 1.1

    private static let mostOfAll: UInt32 = 1 << 24

    private enum Phase { case hold, up, down }

    package let bounds: AdaptiveLimit
    /// What may be under way now.
    package private(set) var limit: UInt32
    /// The limit without the probes.
    package private(set) var found: UInt32

    private var phase = Phase.hold
    /// Mean latency of a request that does not wait, in nanoseconds; 0: not known.
    private var unhindered = 0.0
    /// Mean at the limit from which the phase began; while that is held, one that is not yet believed.
    private var before = 0.0
    private var window = LatencyWindow()
    /// What ends earlier began under another limit.
    private var settled: UInt64 = 0
    private var nextProbe: UInt64 = 0
    private var pause = shortest
    private var probes = 0

    package init(_ bounds: AdaptiveLimit) {
        let most = min(max(bounds.most, 1), Self.mostOfAll)
        let least = min(max(bounds.least, 1), most)
        self.bounds = AdaptiveLimit(least: least, most: most, initial: bounds.initial)
        limit = min(max(bounds.initial, least), most)
        found = limit
    }

    /// Takes what ended since the last batch, which is about 100 ms ago.
    package mutating func take(_ batch: LatencyBatch, now: UInt64) {
        // A few go wrong for other reasons.
        if batch.failures > 0, UInt64(batch.failures) * 20 >= UInt64(batch.count) { return backOff(now) }
        guard batch.count > 0, now >= settled, batch.mostInFlight <= limit + max(1, limit / 10) else { return }
        window.add(batch, now: now)
        guard isComplete(now) else { return }
        switch phase {
        case .hold: held(now)
        case .up: raised(now)
        case .down: lowered(now)
        }
    }

    private func isComplete(_ now: UInt64) -> Bool {
        phase == .hold
            ? window.isComplete(limit, precision: 0.03, reference: unhindered, now: now)
            : window.isComplete(limit, precision: 0.04, now: now)
    }

    /// Of a quarter: what waits inside then is seen through the noise.
    private var step: UInt32 { (limit + 3) / 4 }

    private var isReached: Bool { window.inFlight >= 0.9 * Double(limit) }

    // MARK: - Phases

    private mutating func held(_ now: UInt64) {
        let mean = window.mean
        guard isReached else {
            unhindered = unhindered == 0 ? mean : unhindered + (mean - unhindered) / 4
            return stay(now)
        }
        guard unhindered > 0 else { return suspect(mean, now, half: true) }
        guard mean <= unhindered * (Self.slower + window.error) else { return suspect(mean, now, half: false) }
        unhindered += (mean - unhindered) / 4
        before = 0
        guard now >= nextProbe else { return stay(now) }
        probes += 1
        probes % Self.downEvery == 0 ? probeDown(mean, to: limit * 3 / 4, now) : probeUp(by: step, now)
    }

    /// Latencies are high, or nobody knows what they should be. While they still rise they tell nothing.
    private mutating func suspect(_ mean: Double, _ now: UInt64, half: Bool) {
        guard before > 0, mean <= before * Self.slower else {
            before = mean
            window = LatencyWindow()
            settled = now + UInt64(mean / 4)
            return
        }
        probeDown(mean, to: half ? limit / 2 : max(limit / 4, scaled(limit, unhindered / mean)), now)
    }

    private mutating func raised(_ now: UInt64) {
        guard isReached else { return hold(found, now) }
        let ratio = window.mean / unhindered
        guard ratio > Self.slower else {
            found = limit
            pause = Self.shortest
            unhindered += (window.mean - unhindered) / 8
            guard limit < bounds.most else { return hold(limit, now) }
            return probeUp(by: window.inFlight >= 0.97 * Double(limit) ? limit : step, now)
        }
        pause = min(Self.longest, pause * 2)
        hold(max(found * 3 / 4, scaled(limit, 1 / ratio)), now)
    }

    private mutating func lowered(_ now: UInt64) {
        guard isReached else { return hold(found, now) }
        let mean = window.mean
        let (part, ratio) = (Double(limit) / Double(found), mean / before)
        if 1 - ratio < 0.3 * (1 - part) {
            // Fewer are no faster: nobody waited.
            unhindered = (mean + before) / 2
            hold(found, now)
        } else if limit <= bounds.least || isUnhindered(mean, ratio, part) {
            unhindered = mean
            hold(max(limit, scaled(found, ratio)), now)
        } else {
            found = limit
            probeDown(mean, to: unhindered > 0 ? max(limit / 4, scaled(limit, unhindered / mean)) : limit / 2, now)
        }
    }

    /// Whether those that are fewer now do not wait any more: they are as fast as they were once, or, where nobody knows how
    /// fast that is, have not gained as much as they would by waiting less.
    private func isUnhindered(_ mean: Double, _ ratio: Double, _ part: Double) -> Bool {
        unhindered > 0 ? mean <= unhindered * (Self.slower + window.error / 2) : ratio > part * Self.slower
    }

    /// The engine refuses: one step down, at most once while what was under way ends.
    private mutating func backOff(_ now: UInt64) {
        guard now >= settled else { return }
        pause = Self.longest
        hold(phase == .up ? found : min(limit * 4 / 5, limit - 1), now)
        settled = max(settled, now + 100 * Self.millisecond)
    }

    // MARK: - Moves

    private func scaled(_ value: UInt32, _ factor: Double) -> UInt32 { UInt32((Double(value) * factor).rounded()) }

    private func bounded(_ value: UInt32) -> UInt32 { min(max(value, bounds.least), bounds.most) }

    private mutating func stay(_ now: UInt64) { window = LatencyWindow() }

    private mutating func hold(_ value: UInt32, _ now: UInt64) {
        let phaseBefore = phase
        move(to: value, .hold, now)
        found = limit
        before = 0
        // What went down says nothing of what is above.
        if phaseBefore != .down { nextProbe = now + pause }
    }

    private mutating func probeUp(by step: UInt32, _ now: UInt64) {
        guard bounded(limit + step) > limit else { return hold(limit, now) }
        move(to: limit + step, .up, now)
    }

    private mutating func probeDown(_ mean: Double, to value: UInt32, _ now: UInt64) {
        let lower = bounded(min(value, limit - 1))
        guard lower < limit else {
            unhindered = mean
            return hold(limit, now)
        }
        before = mean
        move(to: lower, .down, now)
    }

    /// - Note: what is under way meanwhile ends within a latency, longer by as much as the limit grows.
    private mutating func move(to value: UInt32, _ next: Phase, _ now: UInt64) {
        let value = bounded(value)
        let growth = max(1, Double(value) / Double(limit))
        let latency = max(window.mean, before)
        if value != limit { settled = now + UInt64(latency * growth * 1.1) + 100 * Self.millisecond }
        (limit, phase) = (value, next)
        window = LatencyWindow()
    }
}
