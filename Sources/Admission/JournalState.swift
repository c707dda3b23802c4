/// What a journal says at its end: the last word of each quota, and the last of another period.
package struct JournalState: Hashable, Sendable {
    /// Bytes below which a journal is not compacted.
    package static let smallest = 4 << 20

    /// By the account's name.
    package private(set) var words: [String: QuotaWord] = [:]
    /// What was used in the period before, or in a later one, which the clock may come back to.
    private var others: [String: QuotaWord] = [:]
    /// Bytes of a journal that says no more than this.
    package private(set) var liveSize = JournalCodec.header.count

    package init() {}

    /// - Parameter records: in the order in which they were written.
    package init(_ records: some Sequence<JournalRecord>) { for record in records { apply(record) } }

    /// Of words that were seen the larger counts, a later period before an earlier one; a word that was set replaces all
    /// before it.
    package mutating func apply(_ record: JournalRecord) {
        guard let known = words[record.name] else {
            liveSize += JournalCodec.size(of: record)
            words[record.name] = record.word
            return
        }
        if record.kind == .used, known >= record.word { return }
        words[record.name] = record.word
        let period = record.word.period
        if let other = others[record.name], other.period == period {
            // What was used there before has to be joined with what was seen; what is set says all of it. A clock that was set
            // back took it along, and more was used since.
            let before = QuotaWord(period: period, used: max(other.used, known.period < period ? known.used : 0))
            setOther(record.kind == .set ? nil : before, of: record.name)
        } else if known.period != period {
            setOther(known, of: record.name)
        }
    }

    private mutating func setOther(_ word: QuotaWord?, of name: String) {
        let size = JournalCodec.size(of: JournalRecord(.set, name, QuotaWord(rawValue: 0), time: 0))
        if others[name] != nil { liveSize -= size }
        if word != nil { liveSize += size }
        others[name] = word
    }

    /// What is used of a quota at a time in `period`, where it was `word` before; nil: that stands. A clock that was set back takes
    /// what was used along, into the period that it says now, and finds again what was used there.
    ///
    /// - Parameters:
    ///   - word: not less than what the journal says.
    ///   - join: of two counts of one period.
    package func moved(
        _ name: String, _ word: QuotaWord, to period: UInt16, join: (UInt64, UInt64) -> UInt64 = { $0 + $1 }
    ) -> QuotaWord? {
        let found = others[name].flatMap { $0.period == period ? $0.used : nil }
        guard word.period <= period else {
            return QuotaWord(period: period, used: found.map { join(word.used, $0) } ?? word.used)
        }
        guard let found else { return nil }
        // In an earlier period stands what was taken along, and what came on top of it.
        return QuotaWord(period: period, used: word.period == period ? join(word.used, found) : max(word.used, found))
    }

    /// The record to write for a quota whose word is seen to be `word`; nil: the journal says as much already. A word smaller
    /// than what it says is no news: only `set` takes anything back.
    ///
    /// - Parameter time: seconds since 1970.
    package mutating func note(_ name: String, _ word: QuotaWord, time: Int64) -> JournalRecord? {
        guard word > words[name] ?? QuotaWord(rawValue: 0) else { return nil }
        let record = JournalRecord(.used, name, word, time: time)
        apply(record)
        return record
    }

    /// The record for a quota that is to be set back to `word`. It has to be on the disk before the page is changed: a crash
    /// in between then leaves the use as it was, and never brings back what was set back.
    package mutating func set(_ name: String, _ word: QuotaWord, time: Int64) -> JournalRecord {
        let record = JournalRecord(.set, name, word, time: time)
        apply(record)
        return record
    }

    /// Forgets quotas, those that no configuration has had for long; the next snapshot does not have them.
    package mutating func forget(where isGone: (String, QuotaWord) -> Bool) {
        for (name, word) in words where isGone(name, word) {
            words[name] = nil
            setOther(nil, of: name)
            liveSize -= JournalCodec.size(of: JournalRecord(.set, name, word, time: 0))
        }
    }

    /// A whole journal that says the same, with each quota once for each period that is known of it.
    package func snapshot(time: Int64) -> [UInt8] {
        var bytes = JournalCodec.header
        bytes.reserveCapacity(liveSize)
        for (name, word) in words.sorted(by: { $0.key < $1.key }) {
            let other = others[name] ?? word
            // Of one period there is only one for longer than a moment.
            let last = other.period == word.period ? max(word, other) : word
            if other.period != word.period { JournalCodec.append(JournalRecord(.set, name, other, time: time), to: &bytes) }
            JournalCodec.append(JournalRecord(.set, name, last, time: time), to: &bytes)
        }
        return bytes
    }

    /// Whether a journal of `size` bytes should give way to a snapshot.
    package func needsCompaction(size: Int) -> Bool { size > Self.smallest && size > 4 * liveSize }
}
