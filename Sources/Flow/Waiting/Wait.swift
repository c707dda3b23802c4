import Admission

/// A request in line. Times are nanoseconds.
struct Wait: Sendable {
    /// nil: it stands nowhere at the moment, and looks again soon.
    var ticket: TicketID?
    var endpoints: [EndpointChoice]
    /// When it has waited for long enough.
    var deadline: UInt64
    /// When to see whether something has changed that nobody tells.
    var lookAt: UInt64
    /// When the next comment is due; 0: never.
    var commentAt: UInt64
    var commentPeriod: UInt64
    /// All that it waits for is not running.
    var isForEngine: Bool

    var next: UInt64 { min(deadline, lookAt, commentAt == 0 ? .max : commentAt) }
}
