internal import CBrokerABI

/// One bucket in shared memory: a rate, and counts of what became of the units asked of it.
struct Bucket {
    let memory: UnsafeMutablePointer<mb_bucket>

    var cell: RateCell {
        // The time is the bucket's first word.
        RateCell(memory: UnsafeMutableRawPointer(memory).assumingMemoryBound(to: UInt64.self))
    }

    /// Counts what became of `count` units.
    func note(_ outcome: RateCell.Outcome, _ count: UInt64, isObserving: Bool = false) {
        if outcome == .admitted { return mb_bucket_admitted(memory, count) }
        if isObserving { return mb_bucket_observed(memory, count) }
        mb_bucket_refused(memory, count)
        if outcome == .contended { mb_bucket_contended(memory, 1) }
    }

    /// Makes a charge of `charged` units one of `used`, in the counts as well.
    func correct(_ charged: UInt64, to used: UInt64, _ limit: Limit, now: UInt64) {
        mb_bucket_admitted(memory, used &- charged)
        cell.correct(charged, to: used, limit, now: now)
    }
}
