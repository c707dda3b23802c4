import Catalog

/// Audit lines of one event loop that nobody has taken yet. Whole lines are dropped, and counted, rather than kept beyond
/// the limit.
package struct AuditBuffer: Sendable {
    /// In bytes.
    package static let limit = 4 << 20
    /// Bytes of each body that a summary has.
    static let summaryLimit = 512

    /// What lines hold; nil: the configuration wants none.
    private var level: Audit.Level?
    /// Bytes of each body that `full` keeps.
    private var bodyLimit = 0
    /// Somebody takes the lines; none are made else.
    package var isOpen = false
    /// Whole lines. Who takes them leaves an empty array, with its room where it can.
    package var bytes: [UInt8] = []
    /// Since the start.
    package private(set) var lines: UInt64 = 0
    package private(set) var dropped: UInt64 = 0

    package init() {}

    mutating func adopt(_ audit: Audit?) {
        level = audit?.level
        bodyLimit = max(0, audit?.bodyLimit ?? 0)
    }

    var isOn: Bool { isOpen && level != nil }

    /// Bytes of each body that are kept; 0: none.
    var captured: Int {
        switch level {
        case nil, .metadata: 0
        case .summary: min(Self.summaryLimit, bodyLimit)
        case .full: bodyLimit
        }
    }

    mutating func add(_ line: AuditLine) {
        let start = bytes.count
        line.append(to: &bytes)
        if bytes.count > Self.limit {
            bytes.removeLast(bytes.count - start)
            dropped += 1
        } else {
            lines += 1
        }
    }
}
