package import Catalog

/// What a group gets of a model that others want as well.
package struct GroupTerms: Hashable, Sendable {
    /// The level of batch groups, and of requests that were lowered to it.
    package static let batchLevel = Int32.min

    package var name: String
    /// Higher comes first.
    package var level: Int32
    package var weight: UInt32
    package var isReclaimable: Bool
    /// nil: it stands in the model's queue, with the others that have none of their own.
    package var queue: QueuePolicy?

    package init(
        name: String, level: Int32 = 0, weight: UInt32 = 1, isReclaimable: Bool = true, queue: QueuePolicy? = nil
    ) {
        self.name = name
        self.level = level
        self.weight = weight
        self.isReclaimable = isReclaimable
        self.queue = queue
    }

    package init(_ group: Group) {
        self.init(
            name: group.name, level: group.delivery == .batch ? Self.batchLevel : group.priority, weight: group.weight,
            isReclaimable: group.isReclaimable, queue: group.queue)
    }
}

/// A model that requests may wait for.
package struct QueueTerms: Hashable, Sendable {
    /// The model's, the same over reloads.
    package var number: Int32
    package var name: String
    package var queue: QueuePolicy

    package init(number: Int32, name: String, queue: QueuePolicy = QueuePolicy()) {
        self.number = number
        self.name = name
        self.queue = queue
    }
}
