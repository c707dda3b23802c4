/// One model's QoS, as `qos show` prints it.
package struct QoSReport: Hashable, Sendable, Codable {
    package enum Source: String, Hashable, Sendable, Codable {
        /// The configuration says so.
        case file
        /// Set by hand.
        case live
        /// Nobody says anything.
        case `default`
    }

    /// One value of the entry.
    package struct Setting: Hashable, Sendable, Codable {
        /// In force, as `qos set` takes it; `none`: no limit.
        package var value: String
        /// Rates by the second, bandwidth in bytes by the second; nil: no limit, or not a number.
        package var amount: Double?
        package var source: Source
        /// The configuration's; nil: it says nothing.
        package var configured: String?
        /// Set by hand; nil: nothing is.
        package var live: String?

        package init(value: String, amount: Double?, source: Source, configured: String?, live: String?) {
            self.value = value
            self.amount = amount
            self.source = source
            self.configured = configured
            self.live = live
        }
    }

    /// Who set something by hand last.
    package struct Change: Hashable, Sendable, Codable {
        /// RFC 3339 with milliseconds.
        package var time: String
        package var uid: UInt32

        package init(time: String, uid: UInt32) {
            self.time = time
            self.uid = uid
        }
    }

    /// A rate limit's bucket, in units: requests, tokens, connects.
    package struct Bucket: Hashable, Sendable, Codable {
        /// Available now, and at most; nil: no limit.
        package var level: UInt64?
        package var capacity: UInt64?
        /// Taken beyond what the bucket held.
        package var owed: UInt64
        package var admitted: UInt64
        package var refused: UInt64
        /// Let pass by observe mode, and would have been refused.
        package var observed: UInt64
        /// Of those refused: too many callers fought over the bucket.
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

    package var model: String
    package var slot: UInt32
    /// `public` or `private`.
    package var access: String
    /// Raised with each change of the entry.
    package var version: UInt64
    /// nil: nothing was ever set by hand.
    package var changed: Change?
    /// By `QoSField`.
    package var settings: [String: Setting]
    /// By `requests`, `tokens`, `connects`.
    package var buckets: [String: Bucket] = [:]
    package var connections = Connections()
    package var sockets = Sockets()
    package var refusals: [Refusal] = []
    package var bytes = Bytes()

    package init(model: String, slot: UInt32, access: String, version: UInt64, settings: [String: Setting]) {
        self.model = model
        self.slot = slot
        self.access = access
        self.version = version
        self.settings = settings
    }
}
