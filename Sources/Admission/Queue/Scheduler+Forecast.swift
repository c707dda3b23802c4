/// What would become of a ticket.
package enum Forecast: Hashable, Sendable {
    /// - place: in the line of its group at its level, the next one being 1.
    /// - wait: nanoseconds until it would have a slot; nil: nobody knows yet.
    case waits(model: Int32, place: Int, wait: UInt64?)
    /// Nanoseconds after which there may be room.
    case full(retryAfter: UInt64)
    /// It would not get a slot before its deadline.
    case hopeless(retryAfter: UInt64)
}

extension Scheduler {
    /// What `enter` would say; nothing is changed by it. It costs as much as a copy of all that waits.
    package func forecast(_ ask: TicketAsk, now: UInt64) -> Forecast {
        var copy = self
        switch copy.enter(ask, now: now).0 {
        case .full(let retryAfter): return .full(retryAfter: retryAfter)
        case .hopeless(let retryAfter): return .hopeless(retryAfter: retryAfter)
        case .waiting(let ticket):
            let entry = copy.entries[Int(ticket.index)]
            let place = Int(entry.models[0])
            var former = models[place]
            return .waits(
                model: former.terms.number, place: copy.models[place].classes[entry.cls].waiting,
                wait: former.expectedWait(rank: table[entry.cls].rank, now: now))
        }
    }
}
