import Routing

/// What is kept of a request that is sampled, for its spans. Times are nanoseconds of `FlowContext.now`.
struct SpanNotes: Sendable {
    /// An endpoint's turn.
    struct Attempt: Sendable {
        var span: UInt64
        var target: Target
        var start: UInt64
        /// 0: it is under way.
        var end: UInt64 = 0
        /// It raced the one before it.
        var isHedge: Bool
        var outcome = Outcome.cancelled
    }

    /// Attempts that have spans of their own.
    static let mostAttempts = 16
    /// Bytes of a path, and of a trace's state, that are kept.
    static let textLimit = 512

    var method: [UInt8] = []
    /// Without the query.
    var path: [UInt8] = []
    /// The caller's `tracestate`.
    var state: [UInt8] = []
    private(set) var attempts: [Attempt] = []
    /// Those under way; -1: none.
    private var current = -1
    private var hedge = -1
    /// Since when the request stands in line; 0: it does not. And how long it did before.
    private var queuedAt: UInt64 = 0
    private(set) var waited: UInt64 = 0

    var isFull: Bool { attempts.count >= Self.mostAttempts }

    /// - Parameter span: its own.
    mutating func begin(_ span: UInt64, _ target: Target, isHedge: Bool, now: UInt64) {
        leaveQueue(now)
        let index = isFull ? -1 : attempts.count
        if !isFull { attempts.append(Attempt(span: span, target: target, start: now, isHedge: isHedge)) }
        if isHedge { hedge = index } else { current = index }
    }

    mutating func end(isHedge: Bool, _ outcome: Outcome, now: UInt64) {
        let index = isHedge ? hedge : current
        if isHedge { hedge = -1 } else { current = -1 }
        guard index >= 0 else { return }
        attempts[index].end = now
        attempts[index].outcome = outcome
    }

    /// The one that raced goes on alone.
    mutating func promote() { (current, hedge) = (hedge, -1) }

    /// The span of the attempt under way; nil: it has none of its own.
    func span(isHedge: Bool) -> UInt64? {
        let index = isHedge ? hedge : current
        return index >= 0 ? attempts[index].span : nil
    }

    mutating func enterQueue(_ now: UInt64) { if queuedAt == 0 { queuedAt = now } }

    mutating func leaveQueue(_ now: UInt64) {
        guard queuedAt > 0 else { return }
        waited += now - min(now, queuedAt)
        queuedAt = 0
    }
}
