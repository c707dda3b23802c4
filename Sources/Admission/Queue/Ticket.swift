/// A place in the queues. Never given twice: whoever comes late with one finds nobody.
package struct TicketID: Hashable, Sendable {
    package var index: UInt32
    package var generation: UInt32

    package init(index: UInt32, generation: UInt32) {
        self.index = index
        self.generation = generation
    }
}

/// An endpoint that a request may be sent to, and the model that it would be sent there for.
package struct EndpointChoice: Hashable, Sendable, Blank {
    package static var blank: EndpointChoice { EndpointChoice(number: -1, model: -1) }

    package var number: Int32
    package var model: Int32

    package init(number: Int32, model: Int32) {
        self.number = number
        self.model = model
    }
}

/// What a request waits for. Times are nanoseconds of one clock that never goes back.
package struct TicketAsk: Sendable {
    /// Whose it is; comes back with whatever becomes of the ticket.
    package var owner: UInt64
    /// Place in the table of groups.
    package var group: Int
    /// The group's, or anything below for the batch level.
    package var level: Int32
    /// Estimated tokens, at least 1.
    package var cost: UInt64
    /// Bytes that are held while it waits.
    package var bytes: UInt64
    /// When the request came, however often it has been tried: its place in the line.
    package var arrival: UInt64
    package var deadline: UInt64
    package var models: SmallList<8, Int32>
    /// Those whose model is not among the models do not count.
    package var endpoints: SmallList<16, EndpointChoice>

    package init(
        owner: UInt64, group: Int, level: Int32, cost: UInt64, bytes: UInt64 = 0, arrival: UInt64, deadline: UInt64,
        models: SmallList<8, Int32>, endpoints: SmallList<16, EndpointChoice>
    ) {
        self.owner = owner
        self.group = group
        self.level = level
        self.cost = cost
        self.bytes = bytes
        self.arrival = arrival
        self.deadline = deadline
        self.models = models
        self.endpoints = endpoints
    }
}

package enum EntryAnswer: Hashable, Sendable {
    case waiting(TicketID)
    /// Nanoseconds after which there may be room.
    case full(retryAfter: UInt64)
    /// It would not get a slot before its deadline.
    case hopeless(retryAfter: UInt64)
}

/// A ticket that is not in the queues any more, and not because it got a slot.
package struct Eviction: Hashable, Sendable {
    package var owner: UInt64
    package var ticket: TicketID
    /// Nanoseconds.
    package var retryAfter: UInt64
}

/// A ticket that got a slot.
package struct QueueGrant: Hashable, Sendable {
    package var ticket: TicketID
    package var owner: UInt64
    /// Place in the table of groups.
    package var group: Int
    /// As it was asked for.
    package var cost: UInt64
    /// Nanoseconds since the request came.
    package var waited: UInt64
}

/// Why a ticket is taken out by its owner: decides only what is counted.
package enum Departure: Hashable, Sendable {
    /// The client has gone, or the deadline has passed.
    case gone
    /// It goes on, with a slot that it found by itself.
    case served
    /// It comes back under other conditions.
    case moved
}
