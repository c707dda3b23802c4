internal import Catalog
internal import Telemetry

/// The queues in front of the models: who waits, and who is next. Pure: told the time, knows no sockets. To come, to leave and
/// to be next takes a time that grows with the logarithm of how many wait, and with how many groups do; memory is used again.
///
/// Every ticket stands in a line for each endpoint that it accepts, by arrival and apart by group and level; the first slot
/// takes it out of all. Who is next at an endpoint: a group that has got nothing there for its `ageing` (one grant in four at
/// most), then the highest level, then inside it whose weight is owed most tokens.
package struct Scheduler: Sendable {
    struct Line: Sendable {
        var root = ArrivalLines.none
        var count = 0
        /// When somebody began to wait here, or got a slot here last.
        var since: UInt64 = 0
    }

    /// Who waits for one model at one endpoint.
    struct Gate: Sendable {
        var endpoint: Int32
        var model: Int
        var lines: [Line]
        /// Classes of which somebody waits.
        var active: [Int32] = []
    }

    struct Entry: Sendable {
        var ask: TicketAsk
        var cls: Int
        var generation: UInt32 = 0
        var isWaiting = false
        /// The first of its places.
        var places = ArrivalLines.none
        /// Models in whose queues it is counted.
        var models = SmallList<8, Int32>()
    }

    /// A grant that may yet come back.
    struct GrantMark: Sendable {
        var ticket: TicketID
        var model: Int
        var cls: Int
        var cost: UInt64
        var charge: Double
    }

    struct GateKey: Hashable { var endpoint: Int32, model: Int32 }

    /// Tickets that may wait at once, whatever the bounds of the queues.
    package static let capacity = 1 << 17
    static let marks = 1024

    var groups: [GroupTerms] = [GroupTerms(name: Group.defaultName)]
    var table: [ClassTerms] = ClassTerms.table([GroupTerms(name: Group.defaultName)])
    var models: [ModelQueue] = []
    var modelPlaces: [Int32: Int] = [:]
    var gates: [Gate] = []
    var gatePlaces: [GateKey: Int32] = [:]
    var freeGates: [Int32] = []
    var entries: [Entry] = []
    var freeEntries: [UInt32] = []
    var lines = ArrivalLines()
    var recent: [GrantMark] = []
    var recentAt = 0
    /// Numbers those who come, and grants.
    var order: UInt64 = 0
    /// Where the search for lost tickets goes on.
    var hand = 0

    package init() {}

    // MARK: - Who waits

    /// Tickets in all.
    package var count: Int { entries.count - freeEntries.count }

    /// Places in lines that there is memory for: as many as were in use at once.
    package var places: Int { lines.capacity }

    package func waiting(model: Int32) -> Int { modelPlaces[model].map { models[$0].waiting } ?? 0 }

    /// Whether some of its slots are kept for groups, so that nobody passes without having asked `mayPass`.
    package func isGated(model: Int32) -> Bool { modelPlaces[model].map { !models[$0].reserving.isEmpty } ?? false }

    /// Endpoints for which somebody waits, each once.
    package var waitingEndpoints: [Int32] {
        Set(gates.lazy.filter { !$0.active.isEmpty }.map(\.endpoint)).sorted()
    }

    /// Whether a request that found nobody waiting may have a free slot.
    ///
    /// - Parameters:
    ///   - limit: slots of the model in all (where it has no limit itself: of its endpoints together); 0: no limit.
    ///   - inFlight: slots in use.
    package func mayPass(model: Int32, group: Int, limit: UInt64, inFlight: UInt64) -> Bool {
        guard let place = modelPlaces[model] else { return true }
        return models[place].mayPass(known(group), groups, limit: limit, inFlight: inFlight)
    }

    func known(_ group: Int) -> Int { groups.indices.contains(group) ? group : 0 }

    func classOf(_ group: Int, _ level: Int32) -> Int {
        let group = known(group)
        return group * 2 + (level < groups[group].level ? 1 : 0)
    }

    // MARK: - Slots in use

    /// A request got a slot without having waited. Each one that began, and each that was granted, ends once.
    package mutating func began(model: Int32, group: Int) {
        guard let place = modelPlaces[model] else { return }
        models[place].tallies[known(group)].inFlight += 1
        models[place].tallies[known(group)].immediate += 1
    }

    package mutating func ended(model: Int32, group: Int) {
        guard let place = modelPlaces[model], models[place].tallies[known(group)].inFlight > 0 else { return }
        models[place].tallies[known(group)].inFlight -= 1
    }

    /// What a request came to.
    ///
    /// - Parameters:
    ///   - level: as in the ticket; nil: the group's.
    ///   - estimated: the ticket's cost; 0: it did not wait, and nothing is to be corrected.
    ///   - real: tokens, of the prompt and of the answer.
    package mutating func settle(
        model: Int32, group: Int, level: Int32? = nil, estimated: UInt64, real: UInt64, now: UInt64
    ) {
        guard let place = modelPlaces[model] else { return }
        let group = known(group)
        models[place].tallies[group].tokens &+= real
        models[place].tallies[group].tokenRate.note(Double(real), at: now)
        models[place].note(cost: Double(real))
        guard estimated > 0 else { return }
        let cls = classOf(group, level ?? groups[group].level)
        models[place].classes[cls].account.settle(estimated, real: real, mean: models[place].meanCost)
    }
}
