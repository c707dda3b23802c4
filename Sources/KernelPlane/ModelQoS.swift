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

    package init(
        level: UInt64? = nil, capacity: UInt64? = nil, owed: UInt64 = 0, admitted: UInt64 = 0, refused: UInt64 = 0,
        observed: UInt64 = 0, contended: UInt64 = 0
    ) {
        self.level = level
        self.capacity = capacity
        self.owed = owed
        self.admitted = admitted
        self.refused = refused
        self.observed = observed
        self.contended = contended
    }
}

/// A model's entry and what came of it.
package struct ModelQoS: Hashable, Sendable {
    package struct Refusals: Hashable, Sendable {
        /// 0: no client; else 1 + position in the configuration.
        package var client: UInt32
        package var reason: LimitReason
        package var count: UInt64

        package init(client: UInt32, reason: LimitReason, count: UInt64) {
            self.client = client
            self.reason = reason
            self.count = count
        }
    }

    package struct Change: Hashable, Sendable {
        /// CLOCK_REALTIME, nanoseconds.
        package var timeNanoseconds: UInt64
        package var uid: UInt32

        package init(timeNanoseconds: UInt64, uid: UInt32) {
            self.timeNanoseconds = timeNanoseconds
            self.uid = uid
        }
    }

    /// A figure for each direction.
    package struct Legs: Hashable, Sendable {
        /// Towards callers.
        package var responses: UInt64
        /// Towards endpoints.
        package var requests: UInt64

        package init(responses: UInt64, requests: UInt64) {
            self.responses = responses
            self.requests = requests
        }
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

    package init(
        name: String, slot: UInt32, version: UInt64 = 1, configured: QoS = QoS(), live: QoS = QoS(), inForce: QoS = QoS(),
        changed: Change? = nil, isPrivate: Bool = false, buckets: [LimitKind: BucketReading] = [:], open: UInt64 = 0,
        active: Legs = Legs(responses: 0, requests: 0), share: Legs? = nil, tagged: UInt64 = 0, connects: UInt64 = 0,
        observedConnections: UInt64 = 0, applied: UInt64 = 0, applyFailed: UInt64 = 0, refusals: [Refusals] = []
    ) {
        self.name = name
        self.slot = slot
        self.version = version
        self.configured = configured
        self.live = live
        self.inForce = inForce
        self.changed = changed
        self.isPrivate = isPrivate
        self.buckets = buckets
        self.open = open
        self.active = active
        self.share = share
        self.tagged = tagged
        self.connects = connects
        self.observedConnections = observedConnections
        self.applied = applied
        self.applyFailed = applyFailed
        self.refusals = refusals
    }
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

    package init(name: String, slot: UInt32, version: UInt64, before: QoS, inForce: QoS, configured: QoS, live: QoS) {
        self.name = name
        self.slot = slot
        self.version = version
        self.before = before
        self.inForce = inForce
        self.configured = configured
        self.live = live
    }
}
