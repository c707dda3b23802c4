internal import CBrokerABI

/// The theoretical arrival time of one rate, in memory that others charge as well. Nothing is looked at first and taken
/// later: each charge is one exchange of gcra.h.
struct RateCell {
    let memory: UnsafeMutablePointer<UInt64>

    enum Outcome: Hashable { case admitted, refused, contended }

    /// Takes `count` units at `now` (nanoseconds of CLOCK_MONOTONIC) if the limit allows that.
    func take(_ count: UInt64, _ limit: Limit, now: UInt64) -> Outcome {
        guard !limit.isNever else { return .refused }
        switch mb_gcra_take(memory, now, limit.charge(count), limit.tolerance) {
        case MB_GCRA_ADMITTED: return .admitted
        case MB_GCRA_CONTENDED: return .contended
        default: return .refused
        }
    }

    /// Makes a charge of `charged` units one of `used`: what is missing is owed, what is left is given back.
    func correct(_ charged: UInt64, to used: UInt64, _ limit: Limit, now: UInt64) {
        guard !limit.isNever else { return }
        let (before, after) = (limit.charge(charged), limit.charge(used))
        // The swap is tried until it is won: one that loses it leaves the winner ahead, so that somebody always goes on.
        if before > after { while mb_gcra_give(memory, before - after) == 0 {} }
        // A bucket that owes a century takes no more: times would overflow some day.
        if after > before, debt(now) < 1 << 62 { while mb_gcra_owe(memory, now, after - before) == 0 {} }
    }

    /// How far it runs ahead of `now`, in nanoseconds.
    func debt(_ now: UInt64) -> UInt64 {
        let time = mb_word_load(memory)
        return time > now ? time - now : 0
    }

    /// How much of the limit is left at `now`.
    func level(_ limit: Limit, now: UInt64) -> LimitLevel {
        guard !limit.isNever else { return LimitLevel(capacity: 0, remaining: 0, reset: Denial.longestRetry) }
        let debt = debt(now)
        let taken = limit.count(debt)
        return LimitLevel(capacity: limit.burst, remaining: taken < limit.burst ? limit.burst - taken : 0, reset: debt)
    }

    /// How long `count` units, refused now, have to wait if nobody else takes any, in nanoseconds.
    func wait(_ count: UInt64, _ limit: Limit, now: UInt64) -> UInt64 {
        guard !limit.isNever else { return Denial.longestRetry }
        let room = limit.tolerance - min(limit.charge(count), limit.tolerance)
        let debt = debt(now)
        return debt > room ? debt - room : 0
    }
}
