package import Telemetry

/// What one group's requests for one model get of it, and what waits.
package struct QueueRecord: Hashable, Sendable {
    package var model: String
    package var group: String
    /// Requests under way now, and slots that the model has in all; nil: any number.
    package var inFlight: UInt64
    package var limit: UInt64?
    /// Of the slots, those that are the group's by its weight among the groups that want some now, in thousandths.
    package var entitlement: UInt64
    package var waiting: UInt64
    /// Bytes held for those.
    package var bytes: UInt64
    /// Milliseconds that the oldest one has waited.
    package var oldest: UInt64
    /// Requests that waited and got a slot; and those that got one at once.
    package var granted: UInt64
    package var immediate: UInt64
    /// Requests that waited in vain: the queue was full; the deadline passed, or would have; others were more urgent; the
    /// client left.
    package var full: UInt64
    package var expired: UInt64
    package var shed: UInt64
    package var left: UInt64
    /// Tokens of answered requests since the start, and thousandths of tokens per second of late.
    package var tokens: UInt64
    package var tokenRate: UInt64
    /// How long those waited that got a slot; on the scale `firstToken`.
    package var waits: Histogram

    package init(model: String, group: String) {
        self.model = model
        self.group = group
        inFlight = 0
        limit = nil
        entitlement = 0
        waiting = 0
        bytes = 0
        oldest = 0
        granted = 0
        immediate = 0
        full = 0
        expired = 0
        shed = 0
        left = 0
        tokens = 0
        tokenRate = 0
        waits = Histogram()
    }
}
