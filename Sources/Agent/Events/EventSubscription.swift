internal import Control
private import Synchronization

/// One follower of the hub's events.
final class EventSubscription: Sendable {
    /// Events that a follower may be behind before it is let go.
    static let buffer = 1024

    /// What was there before.
    let backlog: [EventReport]
    /// Events below it are not for this follower.
    let level: EventLevel
    let events: AsyncStream<EventReport>
    private let continuation: AsyncStream<EventReport>.Continuation
    private let late: @Sendable () -> Void
    private let ended: @Sendable (EventSubscription) -> Void
    private let dropped = Atomic<Bool>(false)

    init(
        backlog: [EventReport], level: EventLevel, late: @escaping @Sendable () -> Void,
        ended: @escaping @Sendable (EventSubscription) -> Void
    ) {
        self.backlog = backlog
        self.level = level
        self.late = late
        self.ended = ended
        (events, continuation) = AsyncStream.makeStream(of: EventReport.self, bufferingPolicy: .bufferingOldest(Self.buffer))
    }

    /// The stream ended because its reader did not keep up.
    var isLate: Bool { dropped.load(ordering: .acquiring) }

    /// Ends the stream; the hub forgets the follower.
    func end() {
        continuation.finish()
        ended(self)
    }

    /// False if there was no room left.
    func hand(_ event: EventReport) -> Bool {
        if case .dropped = continuation.yield(event) { return false }
        return true
    }

    /// Lets a follower go that is too slow.
    func drop() {
        dropped.store(true, ordering: .releasing)
        continuation.finish()
        late()
    }
}
