import Admission
import Catalog
package import Routing
import Synchronization

/// Where requests wait for slots, for all event loops. It is entered only where a model is saturated, where somebody waits, where
/// slots are kept for groups, or where a server is not running; the others take their slots from words that all share.
///
/// Under its lock holds: no slot is free that a ticket may have. All that frees a slot, or makes one, ends here.
package final class WaitingRoom: Sendable {
    struct State: Sendable {
        var scheduler = Scheduler()
        /// By model number: its endpoints, and what it is called.
        var models: [Int32: RoomModel] = [:]
        var groups: [GroupTerms] = []
        var controllers: [EndpointNumber: LimitController] = [:]
        /// Models whose gate is up.
        var raised: Set<Int32> = []
        /// When an endpoint was last said to be waited for.
        var wanted: [EndpointNumber: UInt64] = [:]
        /// Endpoints on demand; those of them that the agent says run; and since when it has been waited for what nobody is
        /// to start, though nobody listened there.
        var onDemand: Set<EndpointNumber> = []
        var running: Set<EndpointNumber> = []
        var doubted: [EndpointNumber: UInt64] = [:]
        /// What engines said last of how busy they are.
        var readings: [EndpointNumber: EngineReading] = [:]
        var tokensTakenAt: UInt64 = 0
        /// Calls that are to be posted once the lock is open.
        var calls: [(owner: UInt64, call: RoomCall)] = []
    }

    struct EngineReading: Hashable, Sendable {
        var load: UInt32
        var number: UInt32
    }

    struct RoomModel: Sendable {
        var name: String
        var endpoints: [EndpointNumber] = []
    }

    let shared: RoutingShared
    private let state = Mutex(State())
    private let busy = Atomic(false)
    private let post: @Sendable (_ owner: UInt64, RoomCall) -> Void

    /// - Parameter post: hands a call to its owner, from any thread, later.
    package init(_ shared: RoutingShared, post: @escaping @Sendable (_ owner: UInt64, RoomCall) -> Void = { _, _ in }) {
        self.shared = shared
        self.post = post
    }

    /// Changes the room, sees to the gates, and tells those whom it concerns.
    func change<Result>(_ body: (inout State) -> Result) -> Result {
        let (result, calls) = state.withLock { state in
            let result = body(&state)
            let calls = state.calls
            if !calls.isEmpty { state.calls = [] }
            return (result, calls)
        }
        for (owner, call) in calls { post(owner, call) }
        return result
    }

    /// Somebody waits for some model.
    package var isBusy: Bool { busy.load(ordering: .relaxed) }

    // MARK: - Coming and going

    /// Enters a ticket; where a slot is free for it, it has it at once.
    func enter(_ ask: TicketAsk, now: UInt64) -> RoomAnswer {
        change { state in
            for index in 0..<ask.models.count where state.models[ask.models[index]] == nil { return .stale }
            let (answer, evicted) = state.scheduler.enter(ask, now: now)
            for eviction in evicted {
                state.calls.append((eviction.owner, .shed(eviction.ticket, retryAfter: eviction.retryAfter)))
            }
            switch answer {
            case .full(let retryAfter):
                lowerGates(&state)
                return .full(retryAfter: retryAfter)
            case .hopeless(let retryAfter): return .hopeless(retryAfter: retryAfter)
            case .waiting(let ticket):
                for index in 0..<ask.models.count { raiseGate(ask.models[index], &state) }
                for index in 0..<ask.models.count { hand(ask.models[index], &state, now) }
                lowerGates(&state)
                return takeOwn(ticket, &state)
            }
        }
    }

    /// What would become of a ticket, and nothing does; nil: its model is not known here.
    func forecast(_ ask: TicketAsk, now: UInt64) -> Forecast? {
        // The copy is made outside of the lock, where the two part.
        let scheduler = state.withLock { state in
            (0..<ask.models.count).contains { state.models[ask.models[$0]] == nil } ? nil : state.scheduler
        }
        return scheduler?.forecast(ask, now: now)
    }

    /// A grant for the one who is entering goes to it directly.
    private func takeOwn(_ ticket: TicketID, _ state: inout State) -> RoomAnswer {
        for index in state.calls.indices {
            if case .granted(let grant) = state.calls[index].call, grant.ticket == ticket {
                state.calls.remove(at: index)
                return .granted(grant)
            }
        }
        return .waiting(ticket)
    }

    /// False: something has been granted, or told, and is on its way.
    @discardableResult
    func leave(_ ticket: TicketID, as departure: Departure = .gone, now: UInt64) -> Bool {
        change { state in
            let isOut = state.scheduler.leave(ticket, now: now, as: departure)
            if isOut { lowerGates(&state) }
            return isOut
        }
    }

    /// A grant whose owner can't use it.
    package func giveBack(_ grant: RoomGrant, now: UInt64) {
        shared.ended(grant.model, grant.group)
        change { state in
            _ = shared.release(grant.endpoint, grant.model)
            if !state.scheduler.giveBack(grant.ticket, now: now) {
                state.scheduler.ended(model: grant.model, group: grant.group)
            }
            hand(grant.model, &state, now)
            lowerGates(&state)
        }
    }

    // MARK: - Slots

    /// A slot for a newcomer where nobody waits, and some are kept for groups; false: it is not to be had.
    func pass(_ endpoint: EndpointNumber, _ model: Int32, group: Int) -> Bool {
        change { state in
            let (limit, inFlight) = (limit(model, state), shared.modelInFlight(model))
            guard state.scheduler.waiting(model: model) == 0,
                state.scheduler.mayPass(model: model, group: group, limit: limit, inFlight: inFlight),
                shared.take(endpoint, model)
            else { return false }
            state.scheduler.began(model: model, group: group)
            return true
        }
    }

    /// A slot of the model has become free, which has been given back already.
    ///
    /// - Parameter group: of the request that had it, if it was booked here; nil: it was not.
    func freed(_ model: Int32, group: Int?, now: UInt64) {
        change { state in
            if let group { state.scheduler.ended(model: model, group: group) }
            hand(model, &state, now)
            lowerGates(&state)
        }
    }

    /// What requests of a group used.
    ///
    /// - Parameter estimated: what it was charged; 0: it did not wait.
    func settle(_ model: Int32, group: Int, level: Int32, estimated: UInt64, real: UInt64, now: UInt64) {
        guard estimated > 0 else { return shared.used(model, group, tokens: real) }
        change { state in
            state.scheduler.settle(model: model, group: group, level: level, estimated: estimated, real: real, now: now)
            takeTokens(&state, now)
        }
    }

    /// Gives all free slots of a model that tickets may have to tickets, at the endpoint with most room first.
    func hand(_ model: Int32, _ state: inout State, _ now: UInt64) {
        guard let endpoints = state.models[model]?.endpoints else { return }
        var isSpent: Set<EndpointNumber> = []
        while state.scheduler.waiting(model: model) > 0 {
            let free = endpoints.filter { !isSpent.contains($0) && shared.hasRoom($0, model) }
            guard let endpoint = free.min(by: { use($0) < use($1) }) else { return }
            guard shared.take(endpoint, model) else { continue }
            guard let grant = state.scheduler.next(model: model, endpoint: endpoint, limit: limit(model, state), now: now) else {
                _ = shared.release(endpoint, model)
                isSpent.insert(endpoint)
                continue
            }
            shared.began(model, grant.group, isImmediate: false)
            let call = RoomCall.granted(
                RoomGrant(ticket: grant.ticket, endpoint: endpoint, model: model, group: grant.group, cost: grant.cost))
            state.calls.append((grant.owner, call))
        }
    }

    /// How much of an endpoint is in use.
    private func use(_ endpoint: EndpointNumber) -> Double {
        let limit = shared.usableLimit(endpoint)
        return Double(max(0, shared.inFlight(endpoint))) / Double(limit == 0 ? 1 << 20 : limit)
    }

    /// Slots of a model in all, or of its endpoints together; 0: any number.
    func limit(_ model: Int32, _ state: State) -> UInt64 {
        let own = shared.modelLimit(model)
        var sum: UInt64 = 0
        for endpoint in state.models[model]?.endpoints ?? [] where !shared.isAsleep(endpoint) {
            let limit = shared.usableLimit(endpoint)
            if limit == 0 { return own }
            sum += limit
        }
        return own == 0 ? sum : min(own, sum)
    }

    // MARK: - Gates

    private func raiseGate(_ model: Int32, _ state: inout State) {
        let waiting = state.scheduler.waiting(model: model)
        let isReserved = state.scheduler.isGated(model: model)
        if waiting > 0 || isReserved { state.raised.insert(model) } else { state.raised.remove(model) }
        shared.setGate(model, waiting: waiting, isReserved: isReserved)
    }

    /// Sets the gates that are up to what waits now.
    func lowerGates(_ state: inout State) {
        for model in state.raised { raiseGate(model, &state) }
        let isBusy = state.scheduler.count > 0
        if busy.load(ordering: .relaxed) != isBusy { busy.store(isBusy, ordering: .relaxed) }
    }

    func setGates(_ state: inout State) {
        for model in state.models.keys { raiseGate(model, &state) }
    }
}
