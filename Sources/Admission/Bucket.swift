internal import CBrokerABI

/// One bucket in shared memory. Nothing is looked at first and taken later: each charge is one exchange of gcra.h.
struct Bucket {
    let memory: UnsafeMutablePointer<mb_bucket>

    enum Outcome: Hashable { case admitted, refused, contended }

    /// Takes `count` units at `now` (nanoseconds of CLOCK_MONOTONIC) if the limit allows that; counts nothing.
    func take(_ count: UInt64, _ limit: Limit, now: UInt64) -> Outcome {
        guard !limit.isNever else { return .refused }
        switch mb_bucket_take(memory, now, cost(count, limit), limit.tolerance) {
        case MB_GCRA_ADMITTED: return .admitted
        case MB_GCRA_CONTENDED: return .contended
        default: return .refused
        }
    }

    /// Counts what became of `count` units.
    func note(_ outcome: Outcome, _ count: UInt64, isObserving: Bool) {
        if outcome == .admitted { return mb_bucket_admitted(memory, count) }
        if isObserving { return mb_bucket_observed(memory, count) }
        mb_bucket_refused(memory, count)
        if outcome == .contended { mb_bucket_contended(memory, 1) }
    }

    /// Makes a charge of `charged` units one of `used`: what is missing is owed, what is left is given back.
    func correct(_ charged: UInt64, to used: UInt64, _ limit: Limit, now: UInt64) {
        mb_bucket_admitted(memory, used &- charged)
        guard !limit.isNever else { return }
        let (before, after) = (cost(charged, limit), cost(used, limit))
        if before > after { _ = mb_bucket_give(memory, before - after) }
        // A bucket that owes a century takes no more: times would overflow some day.
        if after > before, mb_bucket_debt(memory, now) < 1 << 62 { _ = mb_bucket_owe(memory, now, after - before) }
    }

    /// How much of the limit is left at `now`.
    func level(_ limit: Limit, now: UInt64) -> LimitLevel {
        guard !limit.isNever else { return LimitLevel(capacity: 0, remaining: 0, reset: Denial.longestRetry) }
        let debt = mb_bucket_debt(memory, now)
        let taken = limit.count(debt)
        return LimitLevel(capacity: limit.burst, remaining: taken < limit.burst ? limit.burst - taken : 0, reset: debt)
    }

    /// How long `count` units, refused now, have to wait if nobody else takes any, in nanoseconds.
    func wait(_ count: UInt64, _ limit: Limit, now: UInt64) -> UInt64 {
        guard !limit.isNever else { return Denial.longestRetry }
        let room = limit.tolerance - min(cost(count, limit), limit.tolerance)
        let debt = mb_bucket_debt(memory, now)
        return debt > room ? debt - room : 0
    }

    /// One unit costs what the kernel's programs take for it.
    private func cost(_ count: UInt64, _ limit: Limit) -> UInt64 {
        count == 1 ? min(limit.period, Limit.longestCost) : limit.cost(count)
    }
}

/// How much of a limit is left.
package struct LimitLevel: Hashable, Sendable {
    /// Units that a full bucket has.
    package var capacity: UInt64
    package var remaining: UInt64
    /// Nanoseconds until it is full again.
    package var reset: UInt64

    package init(capacity: UInt64, remaining: UInt64, reset: UInt64) {
        self.capacity = capacity
        self.remaining = remaining
        self.reset = reset
    }
}

/// The levels of the limits that a model has.
package struct LimitLevels: Hashable, Sendable {
    package var requests: LimitLevel?
    package var tokens: LimitLevel?

    package init() {}
}

/// Why a request may not pass now.
package struct Denial: Hashable, Sendable {
    /// The longest that a caller is told to wait, in nanoseconds: clients that are told more give up.
    package static let longestRetry: UInt64 = 120_000_000_000

    package var kind: LimitKind
    /// Nanoseconds until it would pass.
    package var retry: UInt64
    /// As configured.
    package var limit: Limit
}
