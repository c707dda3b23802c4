package import Admission
package import Routing

/// A slot that was given to a ticket: it is taken, and its owner uses it or gives it back.
package struct RoomGrant: Hashable, Sendable {
    package var ticket: TicketID
    package var endpoint: EndpointNumber
    /// The model's number over reloads.
    package var model: Int32
    package var group: Int
    /// Estimated tokens that it was charged.
    package var cost: UInt64
}

/// What becomes of a ticket, told to its owner.
package enum RoomCall: Hashable, Sendable {
    case granted(RoomGrant)
    /// More urgent requests needed its place; nanoseconds after which there may be one.
    case shed(TicketID, retryAfter: UInt64)
    /// It stands nowhere any more, since what it waited for has changed.
    case lookAgain(TicketID)
}

/// What came of entering the room.
enum RoomAnswer {
    case granted(RoomGrant)
    case waiting(TicketID)
    /// The queue has no room.
    case full(retryAfter: UInt64)
    /// It would not be served before its deadline.
    case hopeless(retryAfter: UInt64)
    /// The room goes by another catalogue: in a moment.
    case stale
}
