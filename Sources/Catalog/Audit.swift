/// What is written down of each decision, one JSON line each, and where.
package struct Audit: Hashable, Sendable {
    package enum Level: String, Hashable, Sendable, CaseIterable {
        /// Who, what, when, how much; nothing of what was said.
        case metadata
        /// Also the beginnings of prompt and answer, redacted.
        case summary
        /// Also both bodies, redacted, up to `bodyLimit`.
        case full
    }

    package enum Sink: Hashable, Sendable {
        /// Rotated when it is larger than `size` bytes; `keep` older ones stay.
        case file(String, size: UInt64, keep: Int)
        /// The agent's.
        case standardOutput
        /// Lines are sent together, as `application/x-ndjson`. `authorization`: the header's value; `caFile`: PEM
        /// authorities, nil: the system's.
        case webhook(String, authorization: Secret?, caFile: String?)
    }

    package var level: Level
    package var sink: Sink
    /// Bytes of each body that `full` keeps.
    package var bodyLimit: Int

    package init(level: Level = .metadata, sink: Sink, bodyLimit: Int = 64 << 10) {
        self.level = level
        self.sink = sink
        self.bodyLimit = bodyLimit
    }
}
