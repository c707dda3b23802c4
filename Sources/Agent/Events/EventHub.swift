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
        /// Somebody follows debug events.
        var isWatched = false
    }

    private let state = Mutex(State())
    /// Told when the first follower of debug events comes, and when the last one has gone.
    private let watched: @Sendable (Bool) -> Void

    /// - Parameter watched: called under a lock: it must not come back to the hub.
    init(watched: @escaping @Sendable (Bool) -> Void = { _ in }) { self.watched = watched }

    /// Events left out so far because there were too many alike.
    var suppressed: UInt64 { state.withLock { $0.limiter.suppressed } }

    /// Records an event and hands it to the followers, unless there were too many alike. `leftOut`: how many alike before
    /// it were left out where it comes from.
    func publish(_ event: EventReport, after leftOut: UInt64 = 0) {
        let late = state.withLock { state in
            if event.kind.level == .debug, !state.isWatched { return [EventSubscription]() }
            guard let before = state.limiter.admit(Self.key(event), after: leftOut, now: Clocks.monotonic()) else {
                return [EventSubscription]()
            }
            return deliver(before == 0 ? event : event.noting(suppressed: before), &state)
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
                    address: key.address.isEmpty ? nil : key.address, reason: key.reason.isEmpty ? nil : key.reason)
                return deliver(summary.noting(suppressed: count), &state)
            }
        }
        for follower in late { follower.drop() }
    }

    func last(_ count: Int) -> [EventReport] { state.withLock { $0.ring.last(count) } }

    /// The last `count` events and then each that happens. Debug events are not kept: there are only those to come.
    ///
    /// - Parameter late: called when the follower is let go because it does not keep up.
    func follow(
        last count: Int, level: EventLevel = .info, late: @escaping @Sendable () -> Void
    ) -> EventSubscription {
        state.withLock { state in
            let subscription = EventSubscription(backlog: state.ring.last(count), level: level, late: late) { [weak self] in
                self?.forget($0)
            }
            state.followers[ObjectIdentifier(subscription)] = subscription
            watch(&state)
            return subscription
        }
    }

    /// Ends every follower's stream.
    func close() {
        let followers = state.withLock { state in
            let followers = Array(state.followers.values)
            state.followers = [:]
            watch(&state)
            return followers
        }
        for follower in followers { follower.end() }
    }

    private func forget(_ subscription: EventSubscription) {
        // Taken out under the lock, released after it.
        let gone = state.withLock { state in
            defer { watch(&state) }
            return state.followers.removeValue(forKey: ObjectIdentifier(subscription))
        }
        _ = gone
    }

    private func watch(_ state: inout State) {
        let isWatched = state.followers.values.contains { $0.level == .debug }
        guard isWatched != state.isWatched else { return }
        state.isWatched = isWatched
        watched(isWatched)
    }

    /// Returns the followers that are too slow; they are let go outside the lock.
    private func deliver(_ event: EventReport, _ state: inout State) -> [EventSubscription] {
        let isDebug = event.kind.level == .debug
        if !isDebug { state.ring.append(event) }
        var late: [EventSubscription] = []
        for (id, follower) in state.followers where !isDebug || follower.level == .debug {
            guard !follower.hand(event) else { continue }
            state.followers[id] = nil
            late.append(follower)
        }
        if !late.isEmpty { watch(&state) }
        return late
    }

    private static func key(_ event: EventReport) -> EventKey {
        EventKey(
            kind: event.kind.rawValue, model: event.model ?? "", client: event.client ?? "", reason: event.reason ?? "",
            // Each endpoint falls by itself, even if all of a model's do at once.
            address: event.kind.isOfEndpoint ? event.address ?? "" : "")
    }
}

extension EventReport.Kind {
    /// It tells of one endpoint's turn.
    fileprivate var isOfEndpoint: Bool {
        [
            .endpointStandby, .endpointActive, .endpointDown, .endpointUp, .engineStarting, .engineReady, .engineStopping,
            .engineStopped, .engineFailed, .engineCrashed,
        ].contains(self)
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
