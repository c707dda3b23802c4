/// A service group: a class of clients, with what its requests get of a model that others want as well.
package struct Group: Hashable, Sendable {
    /// Whether its requests are answered while somebody waits, or some time.
    package enum Delivery: String, Hashable, Sendable, CaseIterable {
        case interactive
        /// They come behind all interactive ones, whatever their priority, and leave a full queue first.
        case batch
    }

    /// The name of the group of clients that are in no other.
    package static let defaultName = "default"

    package var name: String
    /// Higher is more urgent: what waits at a lower priority waits until nothing of a higher one does.
    package var priority: Int32
    /// Its part of a model relative to the others of the same priority, 1 to 1,000,000.
    package var weight: UInt32
    /// Whether others may use what it does not; false: its share of the slots stays free for it.
    package var isReclaimable: Bool
    package var delivery: Delivery
    /// nil: the model's.
    package var queue: QueuePolicy?

    package init(
        name: String, priority: Int32 = 0, weight: UInt32 = 1, isReclaimable: Bool = true, delivery: Delivery = .interactive,
        queue: QueuePolicy? = nil
    ) {
        self.name = name
        self.priority = priority
        self.weight = weight
        self.isReclaimable = isReclaimable
        self.delivery = delivery
        self.queue = queue
    }
}

/// What bounds the requests of one group that wait for one model.
package struct QueuePolicy: Hashable, Sendable {
    package enum Order: String, Hashable, Sendable, CaseIterable {
        case fifo
        /// The latest first while the oldest has waited for half of what it may: callers that came long ago have
        /// given up or soon will, and answering in order would make everybody late.
        case lifoUnderOverload = "lifo-under-overload"
    }

    /// Requests; 0: nothing waits.
    package var length: UInt32
    /// Bytes of requests that are held while they wait.
    package var bytes: UInt64
    /// Milliseconds that a request may wait.
    package var wait: Int
    /// Milliseconds for which a group with something waiting may get nothing, whatever comes before it.
    package var ageing: Int
    package var order: Order
    /// Milliseconds between the comments (`: loading`) that a stream gets while it waits, so that nobody takes it for dead;
    /// nil: it gets none. With the first one the status is 200, whatever comes of the request.
    package var comments: Int?

    package init(
        length: UInt32 = 200, bytes: UInt64 = 64 << 20, wait: Int = 30_000, ageing: Int = 5_000, order: Order = .fifo,
        comments: Int? = nil
    ) {
        self.length = length
        self.bytes = bytes
        self.wait = wait
        self.ageing = ageing
        self.order = order
        self.comments = comments
    }
}
