/// What was lost of the audit, told at most once a minute. Pure: time is nanoseconds of any steady clock.
struct AuditLoss: Sendable {
    static let interval: UInt64 = 60_000_000_000

    private var reason: String?
    private var lines: UInt64 = 0
    /// Since the beginning, but for those that others count.
    private(set) var total: UInt64 = 0
    private var isPending = false
    private var last: UInt64?

    /// Something went wrong, and so many lines were lost with it.
    ///
    /// - Parameter isCounted: somebody else counts them.
    mutating func add(_ reason: String, lines: UInt64, isCounted: Bool = false) {
        self.reason = reason
        self.lines += lines
        if !isCounted { total += lines }
        isPending = true
    }

    /// What is to be told now; nil: nothing, or not yet.
    mutating func take(_ now: UInt64) -> String? {
        guard isPending, let reason, last.map({ now - $0 >= Self.interval }) ?? true else { return nil }
        defer { (lines, isPending, last) = (0, false, now) }
        return lines == 0 ? reason : "\(reason); \(lines) lines are lost"
    }
}
