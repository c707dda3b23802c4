internal import Catalog

/// What a request is to be charged with: of each measure what is expected, and later what was used.
struct Amounts: Hashable, Sendable {
    /// More is never reserved for one request: sums of them can't overflow.
    static let most: UInt64 = 1 << 40

    var input: UInt64
    var output: UInt64
    /// Millionths of the currency.
    var cost: UInt64

    init(input: UInt64, output: UInt64, _ price: Price?) {
        self.input = min(input, Self.most)
        self.output = min(output, Self.most)
        cost = min(price?.cost(input: self.input, output: self.output) ?? 0, Self.most)
    }

    func of(_ measure: SessionMeasure) -> UInt64 {
        switch measure {
        case .requests: 1
        case .tokens: input + output
        case .inputTokens: input
        case .outputTokens: output
        }
    }

    func of(_ unit: Quota.Unit) -> UInt64 {
        switch unit {
        case .requests: 1
        case .tokens: input + output
        case .cost: cost
        }
    }
}

/// One limit of a client, a model or both that requests are charged to.
enum Charge: Sendable {
    case rate(RateCharge)
    case quota(QuotaCharge)
    case concurrency(ConcurrencyCharge)
}

struct RateCharge: Sendable {
    var measure: SessionMeasure
    var limit: Limit
    var slot: UInt32
    /// Of the slot, when the configuration came: another one's is not charged.
    var tenure: UInt64

    /// nil: it passes. `isTaken`: it was charged, be it with nothing yet.
    func take(_ amounts: Amounts, _ page: AccountPage, _ subject: Denial.Subject, now: UInt64, isTaken: inout Bool) -> Denial? {
        let count = amounts.of(measure)
        guard page.tenure(slot) == tenure else { return nil }
        isTaken = count == 0
        guard count > 0 else { return nil }
        let bucket = page.bucket(slot)
        let outcome = bucket.cell.take(count, limit, now: now)
        bucket.note(outcome, count)
        isTaken = outcome == .admitted
        return isTaken ? nil : Denial(measure, subject, limit, retry: bucket.cell.wait(count, limit, now: now))
    }

    /// Makes the charge of `before` units one of `after`.
    func correct(_ before: UInt64, to after: UInt64, _ page: AccountPage, now: UInt64) {
        guard before != after, page.tenure(slot) == tenure else { return }
        page.bucket(slot).correct(before, to: after, limit, now: now)
    }
}

struct QuotaCharge: Sendable {
    var period: Quota.Period
    var unit: Quota.Unit
    var limit: UInt64
    var onExhausted: Quota.Exhausted
    var slot: UInt32
    var tenure: UInt64
    /// What requests under way have reserved.
    var held: Int

    /// nil: it passes, with what it is expected to use reserved; `isLow`: behind all others.
    func take(
        _ amounts: Amounts, _ page: AccountPage, _ counts: HeldCounts, _ subject: Denial.Subject, epoch: Int64,
        isTaken: inout Bool, isLow: inout Bool
    ) -> Denial? {
        guard page.tenure(slot) == tenure else { return nil }
        let (count, current) = (amounts.of(unit), PeriodClock.number(period, at: epoch))
        isTaken = true
        guard count > 0 else { return nil }
        let fits = counts.hold(count, held) {
            let used = page.word(slot).used(in: current)
            return limit > used ? limit - used : 0
        }
        if fits { return nil }
        if onExhausted == .lowPriority {
            counts.hold(count, held)
            isLow = true
            return nil
        }
        isTaken = false
        page.noteRefused(count, slot)
        return denial(subject, max(current, page.word(slot).period))
    }

    private func denial(_ subject: Denial.Subject, _ current: UInt16) -> Denial {
        Denial(
            .quota(period, unit), subject, retry: Denial.longestRetry, resets: PeriodClock.end(period, current),
            onExhausted: onExhausted, limit: limit)
    }

    /// Counts what was used, then lets go of what was reserved: at no time is there less than either.
    func settle(_ reserved: UInt64, to used: UInt64, _ page: AccountPage, _ counts: HeldCounts, epoch: Int64) {
        if used > 0, page.tenure(slot) == tenure { page.use(used, in: PeriodClock.number(period, at: epoch), slot) }
        counts.release(reserved, held)
    }
}

struct ConcurrencyCharge: Sendable {
    var limit: UInt64
    /// Requests under way.
    var held: Int

    func take(_ counts: HeldCounts, _ subject: Denial.Subject) -> Denial? {
        counts.hold(1, held) { limit } ? nil : Denial(concurrency: limit, subject)
    }
}

extension Denial {
    /// One second: how long a request takes is not known.
    private static let shortRetry: UInt64 = 1_000_000_000

    init(_ measure: SessionMeasure, _ subject: Subject, _ limit: Limit, retry: UInt64) {
        let kind: Kind =
            switch measure {
            case .requests: .requests
            case .tokens: .tokens
            case .inputTokens: .inputTokens
            case .outputTokens: .outputTokens
            }
        self.init(kind, subject, retry: retry, limit: limit.isNever ? 0 : max(1, limit.burst))
    }

    init(concurrency limit: UInt64, _ subject: Subject) {
        self.init(.concurrency, subject, retry: Self.shortRetry, limit: limit)
    }

    static func suspended(_ subject: Subject) -> Denial {
        Denial(.suspended, subject, retry: 5_000_000_000, limit: 1)
    }
}
