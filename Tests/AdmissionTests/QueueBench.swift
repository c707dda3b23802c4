import Admission
import Catalog
import Testing

/// A scheduler with one model and a clock that is moved by hand.
struct QueueBench {
    static let second: UInt64 = 1_000_000_000
    static let millisecond: UInt64 = 1_000_000

    var scheduler = Scheduler()
    var now: UInt64 = 1_000 * second
    var owner: UInt64 = 0
    let groups: [GroupTerms]

    init(_ groups: [GroupTerms] = [GroupTerms(name: "default")], queue: QueuePolicy = QueuePolicy(), models: Int32 = 1) {
        self.groups = groups
        let evicted = scheduler.adopt(
            groups: groups, models: (0..<models).map { QueueTerms(number: $0, name: "m\($0)", queue: queue) }, now: now)
        precondition(evicted.isEmpty)
    }

    func ask(
        _ group: Int = 0, level: Int32? = nil, cost: UInt64 = 100, bytes: UInt64 = 0, arrival: UInt64? = nil,
        patience: UInt64 = 30 * second, at endpoints: [(endpoint: Int32, model: Int32)] = [(0, 0)]
    ) -> TicketAsk {
        TicketAsk(
            owner: owner, group: group, level: level ?? groups[group].level, cost: cost, bytes: bytes, arrival: arrival ?? now,
            deadline: (arrival ?? now) + patience, models: SmallList(Set(endpoints.map(\.model)).sorted()),
            endpoints: SmallList(endpoints.map { EndpointChoice(number: $0.endpoint, model: $0.model) }))
    }

    /// Enters a ticket; its owner is its number, from 1.
    @discardableResult
    mutating func enter(
        _ group: Int = 0, level: Int32? = nil, cost: UInt64 = 100, bytes: UInt64 = 0, arrival: UInt64? = nil,
        patience: UInt64 = 30 * second, at endpoints: [(endpoint: Int32, model: Int32)] = [(0, 0)]
    ) -> (EntryAnswer, evicted: [Eviction]) {
        owner += 1
        return scheduler.enter(
            ask(group, level: level, cost: cost, bytes: bytes, arrival: arrival, patience: patience, at: endpoints), now: now)
    }

    @discardableResult
    mutating func ticket(_ group: Int = 0, cost: UInt64 = 100, at endpoints: [(endpoint: Int32, model: Int32)] = [(0, 0)])
        -> TicketID?
    {
        guard case .waiting(let ticket) = enter(group, cost: cost, at: endpoints).0 else { return nil }
        return ticket
    }

    /// As `ticket`, where it must have one.
    mutating func entered(_ group: Int = 0, at endpoints: [(endpoint: Int32, model: Int32)] = [(0, 0)]) throws -> TicketID {
        let ticket = ticket(group, at: endpoints)
        return try #require(ticket)
    }

    /// The next grant, where there must be one.
    mutating func grant() throws -> QueueGrant {
        let grant = scheduler.next(model: 0, endpoint: 0, limit: 0, now: now)
        return try #require(grant)
    }

    mutating func leave(_ ticket: TicketID) -> Bool { scheduler.leave(ticket, now: now) }

    mutating func giveBack(_ ticket: TicketID) -> Bool { scheduler.giveBack(ticket, now: now) }

    /// Owners in the order in which they get slots.
    mutating func grants(_ most: Int = .max, endpoint: Int32 = 0, model: Int32 = 0, limit: UInt64 = 0) -> [UInt64] {
        var owners: [UInt64] = []
        while owners.count < most,
            let grant = scheduler.next(model: model, endpoint: endpoint, limit: limit, now: now)
        {
            owners.append(grant.owner)
        }
        return owners
    }

    /// Groups in the order in which they get slots.
    mutating func groupsOfGrants(_ most: Int, endpoint: Int32 = 0, limit: UInt64 = 0) -> [Int] {
        var groups: [Int] = []
        while groups.count < most, let grant = scheduler.next(model: 0, endpoint: endpoint, limit: limit, now: now) {
            groups.append(grant.group)
        }
        return groups
    }

    func figures(_ group: String = "default", model: Int32 = 0) -> QueueFigures? {
        scheduler.figures(now: now).first { $0.group == group && $0.number == model }
    }
}
