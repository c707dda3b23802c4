/// Slots: the right to have a request under way at an endpoint, and of its model. Only endpoints and models that have a limit,
/// or are started on demand, have any; the others are counted, and that is all.
///
/// Who gives a slot back does so first and looks at the gate then; who comes to wait raises the gate first and looks for a slot
/// then. All of that is in one order, so at least one of the two sees the other.
extension RoutingShared {
    /// Groups that are told apart; those beyond are counted with the last.
    package static let groupLimit = 64
    /// In a gate: slots are kept for groups, so that whoever finds nobody waiting has to ask.
    package static let reservedBit: UInt64 = 1 << 63

    /// What a newcomer finds.
    package enum Passage: Hashable, Sendable {
        /// Nobody waits, and there is a slot.
        case open
        /// The same, but others may have a right to it.
        case reserved
        case full
    }

    package func passage(_ endpoint: EndpointNumber, _ model: Int32) -> Passage {
        let gate = slots.gates.loadInOrder(Int(model))
        guard gate & ~Self.reservedBit == 0, hasRoom(endpoint, model) else { return .full }
        return gate == 0 ? .open : .reserved
    }

    package func hasRoom(_ endpoint: EndpointNumber, _ model: Int32) -> Bool {
        guard slots.asleep.loadInOrder(Int(endpoint)) == 0 else { return false }
        let limit = limit(endpoint)
        let modelLimit = slots.modelLimits.load(Int(model))
        return (limit == 0 || inFlight.loadInOrder(Int(endpoint)) < limit)
            && (modelLimit == 0 || slots.modelInFlight.loadInOrder(Int(model)) < modelLimit)
    }

    /// Takes a slot, if nobody waits and nothing is kept for anybody.
    package func takeFree(_ endpoint: EndpointNumber, _ model: Int32) -> Bool {
        slots.gates.loadInOrder(Int(model)) == 0 && take(endpoint, model)
    }

    /// Takes a slot, whoever waits: for those who hand them out.
    package func take(_ endpoint: EndpointNumber, _ model: Int32) -> Bool {
        guard slots.asleep.loadInOrder(Int(endpoint)) == 0, let before = inFlight.take(Int(endpoint), limit: limit(endpoint))
        else { return false }
        guard slots.modelInFlight.take(Int(model), limit: slots.modelLimits.load(Int(model))) != nil else {
            inFlight.addInOrder(Int(endpoint), .max)
            return false
        }
        if before >= slots.peaks.load(Int(endpoint)) { slots.peaks.store(Int(endpoint), before + 1) }
        return true
    }

    /// Gives a slot back; whether somebody may be waiting for it.
    package func release(_ endpoint: EndpointNumber, _ model: Int32) -> Bool {
        slots.modelInFlight.addInOrder(Int(model), .max)
        inFlight.addInOrder(Int(endpoint), .max)
        return slots.gates.loadInOrder(Int(model)) != 0
    }

    /// Slots of an endpoint that are not in others' use, at least one where there is a limit at all; 0: there is none.
    private func limit(_ endpoint: EndpointNumber) -> UInt64 {
        let limit = slots.limits.load(Int(endpoint))
        guard limit > 0 else { return 0 }
        let foreign = slots.foreign.load(Int(endpoint))
        return foreign < limit ? limit - foreign : 1
    }

    // MARK: - For those who set them

    package func setLimit(_ endpoint: EndpointNumber, _ limit: UInt32) { slots.limits.storeInOrder(Int(endpoint), UInt64(limit)) }

    package func endpointLimit(_ endpoint: EndpointNumber) -> UInt32 {
        UInt32(truncatingIfNeeded: slots.limits.load(Int(endpoint)))
    }

    package func usableLimit(_ endpoint: EndpointNumber) -> UInt64 { limit(endpoint) }

    package func setModelLimit(_ model: Int32, _ limit: UInt32) { slots.modelLimits.storeInOrder(Int(model), UInt64(limit)) }

    package func modelLimit(_ model: Int32) -> UInt64 { slots.modelLimits.load(Int(model)) }

    package func modelInFlight(_ model: Int32) -> UInt64 {
        let count = slots.modelInFlight.loadInOrder(Int(model))
        return count > UInt64(Int64.max) ? 0 : count
    }

    package func setGate(_ model: Int32, waiting: Int, isReserved: Bool) {
        slots.gates.storeInOrder(Int(model), UInt64(waiting) | (isReserved ? Self.reservedBit : 0))
    }

    /// Whether anybody waits for the model.
    package func isGated(_ model: Int32) -> Bool { slots.gates.loadInOrder(Int(model)) & ~Self.reservedBit != 0 }

    package func setAsleep(_ endpoint: EndpointNumber, _ isAsleep: Bool) {
        slots.asleep.storeInOrder(Int(endpoint), isAsleep ? 1 : 0)
    }

    package func isAsleep(_ endpoint: EndpointNumber) -> Bool { slots.asleep.loadInOrder(Int(endpoint)) != 0 }

    /// What the engine says that it has, less what it had of ours at most since it said so last; nil: it does not say.
    ///
    /// That is too little while ours become fewer, and would have them be more again, so that of two readings the one counts
    /// that says more; where there is nothing at all, that is so. Not for several threads at once.
    package func setLoad(_ endpoint: EndpointNumber, _ load: UInt32?) {
        let index = Int(endpoint)
        let ours = slots.peaks.load(index)
        let foreign = load.map { UInt64($0) > ours ? UInt64($0) - ours : 0 } ?? 0
        let counts = (load ?? 0) == 0 ? 0 : max(foreign, slots.lastForeign.load(index))
        slots.lastForeign.store(index, foreign)
        slots.foreign.storeInOrder(index, counts)
        slots.peaks.store(index, UInt64(max(0, inFlight(endpoint))))
    }

    /// Whether a connection that broke at `now` counts: of those that were there together only the first does.
    func breaks(_ endpoint: EndpointNumber, since start: UInt64, now: UInt64) -> Bool {
        let last = slots.broken.load(Int(endpoint))
        return start >= last && slots.broken.exchange(Int(endpoint), last, now)
    }

    package func peak(_ endpoint: EndpointNumber) -> UInt32 { UInt32(clamping: slots.peaks.load(Int(endpoint))) }

    // MARK: - Groups

    private func place(_ model: Int32, _ group: Int) -> Int {
        Int(model) * Self.groupLimit + min(max(0, group), Self.groupLimit - 1)
    }

    package func began(_ model: Int32, _ group: Int, isImmediate: Bool) {
        slots.groupInFlight.add(place(model, group), 1)
        if isImmediate { slots.immediate.add(place(model, group), 1) }
    }

    package func ended(_ model: Int32, _ group: Int) { slots.groupInFlight.add(place(model, group), .max) }

    package func groupInFlight(_ model: Int32, _ group: Int) -> UInt64 {
        let count = slots.groupInFlight.load(place(model, group))
        return count > UInt64(Int64.max) ? 0 : count
    }

    package func immediate(_ model: Int32, _ group: Int) -> UInt64 { slots.immediate.load(place(model, group)) }

    /// What requests that did not wait have used.
    package func used(_ model: Int32, _ group: Int, tokens: UInt64) { slots.tokens.add(place(model, group), tokens) }

    package func takeTokens(_ model: Int32, _ group: Int) -> UInt64 {
        let place = place(model, group)
        let tokens = slots.tokens.load(place)
        if tokens > 0 { slots.tokens.add(place, 0 &- tokens) }
        return tokens
    }
}
