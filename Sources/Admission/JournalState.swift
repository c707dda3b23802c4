/// What a journal says at its end: the last word of each quota.
package struct JournalState: Hashable, Sendable {
    /// Bytes below which a journal is not compacted.
    package static let smallest = 4 << 20

    /// By the account's name.
    package private(set) var words: [String: QuotaWord] = [:]
    /// Bytes of a journal that says no more than this.
    package private(set) var liveSize = JournalCodec.header.count

    package init() {}

    /// - Parameter records: in the order in which they were written.
    package init(_ records: some Sequence<JournalRecord>) { for record in records { apply(record) } }

    /// Of words that were seen the larger counts, a later period before an earlier one; a word that was set replaces all
    /// before it.
    package mutating func apply(_ record: JournalRecord) {
        let known = words[record.name]
        if known == nil { liveSize += JournalCodec.size(of: record) }
        if let known, record.kind == .used, known >= record.word { return }
        words[record.name] = record.word
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
            liveSize -= JournalCodec.size(of: JournalRecord(.set, name, word, time: 0))
        }
    }

    /// A whole journal that says the same, with each quota once.
    package func snapshot(time: Int64) -> [UInt8] {
        var bytes = JournalCodec.header
        bytes.reserveCapacity(liveSize)
        for (name, word) in words.sorted(by: { $0.key < $1.key }) {
            JournalCodec.append(JournalRecord(.set, name, word, time: time), to: &bytes)
        }
        return bytes
    }

    /// Whether a journal of `size` bytes should give way to a snapshot.
    package func needsCompaction(size: Int) -> Bool { size > Self.smallest && size > 4 * liveSize }
}
