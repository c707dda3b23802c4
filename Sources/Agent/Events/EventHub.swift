internal import Control
private import Synchronization

/// Where everything that happens comes together: kept in a ring, handed to whoever follows.
final class EventHub: Sendable {
    /// Events kept for a reader that comes later.
    static let kept = 1024

    private struct State {
        var ring = EventRing(capacity: EventHub.kept)
        var limiter = EventLimiter()
        var followers: [ObjectIdentifier: EventSubscription] = [:]
    }

    private let state = Mutex(State())

    /// Events left out so far because there were too many alike.
    var suppressed: UInt64 { state.withLock { $0.limiter.suppressed } }

    /// Records an event and hands it to the followers, unless there were too many alike. `leftOut`: how many alike before
    /// it were left out where it comes from.
    func publish(_ event: EventReport, after leftOut: UInt64 = 0) {
        let late = state.withLock { state in
            guard let before = state.limiter.admit(Self.key(event), after: leftOut, now: Clocks.monotonic()) else {
                return [EventSubscription]()
            }
            return Self.deliver(before == 0 ? event : event.noting(suppressed: before), &state)
        }
        for follower in late { follower.drop() }
    }

    /// Says of each storm that is over how many events were left out; called about once a second.
    func sweep() {
        let late = state.withLock { state in
            state.limiter.sweep(now: Clocks.monotonic()).flatMap { key, count in
                let summary = EventReport(
                    time: Timestamp.now(), kind: EventReport.Kind(rawValue: key.kind),
                    model: key.model.isEmpty ? nil : key.model, client: key.client.isEmpty ? nil : key.client,
                    reason: key.reason.isEmpty ? nil : key.reason)
                return Self.deliver(summary.noting(suppressed: count), &state)
            }
        }
        for follower in late { follower.drop() }
    }

    func last(_ count: Int) -> [EventReport] { state.withLock { $0.ring.last(count) } }

    /// The last `count` events and then each that happens.
    ///
    /// - Parameter late: called when the follower is let go because it does not keep up.
    func follow(last count: Int, late: @escaping @Sendable () -> Void) -> EventSubscription {
        state.withLock { state in
            let subscription = EventSubscription(backlog: state.ring.last(count), late: late) { [weak self] in self?.forget($0) }
            state.followers[ObjectIdentifier(subscription)] = subscription
            return subscription
        }
    }

    /// Ends every follower's stream.
    func close() {
        let followers = state.withLock { state in
            defer { state.followers = [:] }
            return Array(state.followers.values)
        }
        for follower in followers { follower.end() }
    }

    private func forget(_ subscription: EventSubscription) {
        // Taken out under the lock, released after it.
        let gone = state.withLock { $0.followers.removeValue(forKey: ObjectIdentifier(subscription)) }
        _ = gone
    }

    /// Returns the followers that are too slow; they are let go outside the lock.
    private static func deliver(_ event: EventReport, _ state: inout State) -> [EventSubscription] {
        state.ring.append(event)
        var late: [EventSubscription] = []
        for (id, follower) in state.followers where !follower.hand(event) {
            state.followers[id] = nil
            late.append(follower)
        }
        return late
    }

    private static func key(_ event: EventReport) -> EventKey {
        EventKey(kind: event.kind.rawValue, model: event.model ?? "", client: event.client ?? "", reason: event.reason ?? "")
    }
}

extension EventReport {
    /// The event with a note of how many like it were left out.
    fileprivate func noting(suppressed: UInt64) -> EventReport {
        var noted = self
        let note = "\(suppressed) alike left out"
        noted.detail = detail.map { "\($0) (\(note))" } ?? note
        return noted
    }
}
