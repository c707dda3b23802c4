/// One line of the journal: what a quota's word was at a time.
package struct JournalRecord: Hashable, Sendable {
    package enum Kind: UInt8, Hashable, Sendable {
        /// The word was seen to be this: the larger of two counts.
        case used = 1
        /// The word was made this, whatever it was before: set back by hand, or the beginning of a compacted journal.
        case set = 2
    }

    package var kind: Kind
    /// The account's, as `AccountKey.text` has it; 1 to `nameLimit` bytes.
    package var name: String
    package var word: QuotaWord
    /// Seconds since 1970 when it was written.
    package var time: Int64

    /// Bytes that a name may have.
    package static let nameLimit = 65_535

    package init(_ kind: Kind, _ name: String, _ word: QuotaWord, time: Int64) {
        self.kind = kind
        self.name = name
        self.word = word
        self.time = time
    }
}
