internal import CBrokerABI
package import Catalog

/// The shared page of accounts (account.h): what clients and models have used, charged by every event loop of every proxy and
/// read by the agent. Slots count from 1; 0 is none.
///
/// Sendable without the compiler's check because the memory is shared between processes to begin with: every access to a
/// word is an atomic operation of account.h and gcra.h, names are written by one agent only while their slot has no owner,
/// and `owner` keeps the memory for as long as any copy of this value lives.
package struct AccountPage: @unchecked Sendable {
    /// Slots that a page may have.
    package static let limit = Int(MB_MAX_ACCOUNTS)
    /// Bytes of a name in the page.
    package static let nameSize = Int(MB_ACCOUNT_NAME)

    /// Bytes of a page with `count` slots.
    package static func size(count: Int) -> Int { Int(MB_ACCOUNT_HEADER) + count * MemoryLayout<mb_account>.stride }

    let memory: UnsafeMutableRawPointer
    /// Slots that are there in memory; nothing is read or charged beyond.
    package let count: Int
    private let owner: any AnyObject & Sendable

    /// The page that somebody has made there; nil unless it is one, of this version, and has memory for its slots.
    ///
    /// - Parameters:
    ///   - memory: readable and writable, on the boundary of a page.
    ///   - size: bytes; those that the page says it has beyond are left alone.
    ///   - owner: gives the memory back when it goes.
    package init?(memory: UnsafeMutableRawPointer, size: Int, owner: any AnyObject & Sendable) {
        guard size >= Self.size(count: 0) else { return nil }
        let header = memory.assumingMemoryBound(to: mb_account_page.self)
        guard mb_word_load(mb_account_magic(header)) == MB_ACCOUNT_MAGIC, header.pointee.version == MB_ACCOUNT_VERSION,
            mb_account_count(header) <= MB_MAX_ACCOUNTS
        else { return nil }
        count = min(Int(mb_account_count(header)), (size - Self.size(count: 0)) / MemoryLayout<mb_account>.stride)
        self.memory = memory
        self.owner = owner
    }

    private var header: UnsafeMutablePointer<mb_account_page> { memory.assumingMemoryBound(to: mb_account_page.self) }

    /// Slots that the page says it has; more than `count` where it has grown since it was mapped.
    package var announced: Int { min(Int(mb_account_count(header)), Self.limit) }

    /// What is used can't be written down, so that nothing that a quota governs may pass.
    package var isSuspended: Bool {
        get { mb_account_suspended(header) != 0 }
        nonmutating set { mb_account_suspend(header, newValue ? 1 : 0) }
    }

    /// Whether there is such a slot.
    package func reaches(_ slot: UInt32) -> Bool { slot > 0 && slot <= count }

    /// The slot must be within reach.
    func account(_ slot: UInt32) -> UnsafeMutablePointer<mb_account> {
        precondition(reaches(slot), "an account that the page does not have")
        return (memory + Self.size(count: Int(slot) - 1)).assumingMemoryBound(to: mb_account.self)
    }

    /// Odd while the slot has an owner, and another one for each; 0 beyond the page's reach.
    func tenure(_ slot: UInt32) -> UInt64 { reaches(slot) ? mb_word_load(mb_account_tenure(account(slot))) : 0 }

    /// A rate's account as a bucket, whose layout it has.
    func bucket(_ slot: UInt32) -> Bucket {
        Bucket(memory: UnsafeMutableRawPointer(account(slot)).assumingMemoryBound(to: mb_bucket.self))
    }

    // MARK: - Quotas

    func word(_ slot: UInt32) -> QuotaWord { QuotaWord(rawValue: mb_word_load(mb_account_state(account(slot)))) }

    /// Puts into the word what `next` makes of it; nil leaves it.
    private func change(_ slot: UInt32, _ next: (QuotaWord) -> QuotaWord?) {
        let state = account(slot)
        while true {
            let old = word(slot)
            guard let new = next(old), new != old else { return }
            if mb_word_swap(mb_account_state(state), old.rawValue, new.rawValue) != 0 { return }
        }
    }

    /// Counts `units` as used in `period`.
    func use(_ units: UInt64, in period: UInt16, _ slot: UInt32) {
        change(slot) { $0.adding(units, in: period) }
        _ = mb_word_add(mb_account_admitted(account(slot)), units)
    }

    func noteRefused(_ units: UInt64, _ slot: UInt32) { _ = mb_word_add(mb_account_refused(account(slot)), units) }

    /// Raises the quota's word to `word`, as a journal has it; one that is larger already stays.
    package func restore(_ slot: UInt32, _ word: QuotaWord) {
        guard reaches(slot) else { return }
        change(slot) { $0 < word ? word : nil }
    }

    /// Puts `next` in the place of `word`. False: it is another one by now.
    package func exchange(_ slot: UInt32, _ word: QuotaWord, for next: QuotaWord) -> Bool {
        reaches(slot) && mb_word_swap(mb_account_state(account(slot)), word.rawValue, next.rawValue) != 0
    }

    /// Sets a quota back to nothing used, in the period that has `epoch`.
    package func reset(_ slot: UInt32, _ period: Quota.Period, epoch: Int64) {
        guard reaches(slot) else { return }
        change(slot) { _ in QuotaWord(period: PeriodClock.number(period, at: epoch), used: 0) }
    }

    /// Sets a rate back to a full bucket.
    package func refill(_ slot: UInt32) {
        guard reaches(slot) else { return }
        mb_word_store(mb_account_state(account(slot)), 0)
    }

    /// More than a year, in nanoseconds: no rate owes longer.
    private static let longestDebt: UInt64 = 1 << 55

    /// A rate has become another: what is owed at `now`, nanoseconds of CLOCK_MONOTONIC, stays as many units.
    package func rescale(_ slot: UInt32, from old: Rate, to new: Rate, now: UInt64) {
        guard reaches(slot), old != new, let before = Limit(old, burst: 1), let after = Limit(new, burst: 1), !before.isNever,
            !after.isNever
        else { return }
        let state = mb_account_state(account(slot))
        while true {
            let time = mb_word_load(state)
            guard time > now else { return }
            let product = (time - now).multipliedFullWidth(by: after.period)
            let debt = product.high < before.period ? before.period.dividingFullWidth(product).quotient : .max
            if mb_word_swap(state, time, now + min(debt, Self.longestDebt)) != 0 { return }
        }
    }

    /// nil beyond the page's reach.
    package func read(_ slot: UInt32) -> AccountReading? {
        guard reaches(slot) else { return nil }
        let account = account(slot)
        return AccountReading(
            word: word(slot), admitted: mb_word_load(mb_account_admitted(account)),
            refused: mb_word_load(mb_account_refused(account)))
    }

    /// What is left of a rate; nil beyond the page's reach.
    package func level(_ slot: UInt32, _ limit: Limit, now: UInt64) -> LimitLevel? {
        reaches(slot) ? bucket(slot).cell.level(limit, now: now) : nil
    }
}

/// What an account has counted.
package struct AccountReading: Hashable, Sendable {
    /// A quota's; of a rate it means nothing.
    package var word: QuotaWord
    /// Units let through; of a quota those settled, in all periods.
    package var admitted: UInt64
    /// Units.
    package var refused: UInt64

    package init(word: QuotaWord, admitted: UInt64, refused: UInt64) {
        self.word = word
        self.admitted = admitted
        self.refused = refused
    }
}
