package import Catalog

/// A bucket at one moment, in units.
package struct BucketReading: Hashable, Sendable {
    /// What it would admit at once; nil: no limit.
    package var level: UInt64?
    /// The burst; nil: no limit.
    package var capacity: UInt64?
    /// Taken beyond what it held.
    package var owed: UInt64
    package var admitted: UInt64
    package var refused: UInt64
    /// Let pass by observe mode, and would have been refused.
    package var observed: UInt64
    /// Of those refused: the bucket was fought over too long.
    package var contended: UInt64
}

/// A model's entry and what came of it.
package struct ModelQoS: Hashable, Sendable {
    package struct Refusals: Hashable, Sendable {
        /// 0: no client; else 1 + position in the configuration.
        package var client: UInt32
        package var reason: LimitReason
        package var count: UInt64
    }

    package struct Change: Hashable, Sendable {
        /// CLOCK_REALTIME, nanoseconds.
        package var timeNanoseconds: UInt64
        package var uid: UInt32
    }

    /// A figure for each direction.
    package struct Legs: Hashable, Sendable {
        /// Towards callers.
        package var responses: UInt64
        /// Towards endpoints.
        package var requests: UInt64
    }

    package var name: String
    package var slot: UInt32
    /// Raised with each change of the entry in force.
    package var version: UInt64
    package var configured: QoS
    /// Set by hand, over what is configured.
    package var live: QoS
    package var inForce: QoS
    /// The last change by hand, if there was one.
    package var changed: Change?
    package var isPrivate: Bool
    package var buckets: [LimitKind: BucketReading]
    /// Connections that hold a place under `connections`.
    package var open: UInt64
    /// Sockets that divide the bandwidth.
    package var active: Legs
    /// What one of them may send, bytes per second; nil: no bandwidth is set, or the entry only observes.
    package var share: Legs?
    /// Sockets under the entry.
    package var tagged: UInt64
    /// Admitted at connect().
    package var connects: UInt64
    /// Beyond `connections`, let pass by observe mode.
    package var observedConnections: UInt64
    /// Times that options were set on a socket, and that the kernel refused one.
    package var applied: UInt64
    package var applyFailed: UInt64
    /// By client and then reason.
    package var refusals: [Refusals]
}

/// What a change by hand did.
package struct QoSChange: Hashable, Sendable {
    package var name: String
    package var slot: UInt32
    package var version: UInt64
    /// In force before, and now.
    package var before: QoS
    package var inForce: QoS
    package var configured: QoS
    package var live: QoS
}
