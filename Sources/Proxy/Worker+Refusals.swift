import Control
import Flow
import Reactor

/// Telling of refusals that were counted only, once they stop.
extension Worker {
    /// Begins to watch for the end of a storm; called when there may be one.
    func watchRefusals() {
        guard !isWatchingRefusals, !context.refusals.isEmpty else { return }
        isWatchingRefusals = true
        wheel.add(Self.refusalToken.raw, deadline: context.now + RefusalReports.window)
    }

    func sweepRefusals() {
        isWatchingRefusals = false
        for event in context.refusals.sweep(now: context.now) { outbox.send(.event(event)) }
    }
}
