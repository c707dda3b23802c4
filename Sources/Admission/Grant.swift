/// A request that was let through, and what it took: to be settled once, when it is known what it used. Until then it holds
/// what was reserved for it.
package struct Grant: Sendable {
    /// What it took out of the model's QoS.
    var qos: QoSCharge?
    /// What it took of everybody's limits.
    private var books: AllowanceCharge?
    /// Tokens estimated.
    package let reserved: UInt64
    /// Of these, the prompt's.
    package let prompt: UInt64
    /// It is worth reading what was used.
    package internal(set) var countsTokens = false
    /// A quota is used up that lets its client's requests go on behind all others.
    package internal(set) var isLowPriority = false
    private var isSettled = false

    init(_ demand: Demand) {
        prompt = demand.isInference ? demand.prompt : 0
        reserved = demand.isInference ? demand.tokens : 0
    }

    /// Takes what a request needs of everybody's limits; where that is refused, the whole grant is taken back.
    mutating func take(_ storage: AllowanceTable.Storage, _ model: Int, _ demand: Demand) -> Denial? {
        var charge = AllowanceCharge(storage, model, demand)
        let denial = charge.take(demand)
        books = charge
        isLowPriority = charge.isLowPriority
        if denial != nil { takeBack(now: demand.now) }
        return denial
    }

    /// Puts what was used in the place of what was reserved, and lets go of the rest. Only the first call does anything.
    ///
    /// - Parameters:
    ///   - use: nil: nobody knows; then it is what was reserved, if it was answered, else nothing.
    ///   - answered: an endpoint has answered, whatever it said: it counts as a request.
    ///   - now: nanoseconds of CLOCK_MONOTONIC.
    ///   - epoch: seconds since 1970, UTC; what was used counts in the period that has it.
    package mutating func settle(_ use: TokenUse?, answered: Bool, now: UInt64, epoch: Int64) {
        guard !isSettled else { return }
        isSettled = true
        qos?.settle(use?.total ?? (answered ? reserved : 0), now: now)
        books?.settle(use, answered: answered, now: now, epoch: epoch)
    }

    /// As if it had never been let through, rates of requests too: in the place of `settle`, for a request that goes to another
    /// model before any endpoint has seen it.
    package mutating func takeBack(now: UInt64) {
        guard !isSettled else { return }
        isSettled = true
        qos?.takeBack(now: now)
        books?.takeBack(now: now)
    }

    /// What is left of the limits that it was charged to, of each kind where least is left.
    package func levels(now: UInt64) -> LimitLevels {
        var levels = qos?.levels(now: now) ?? LimitLevels()
        books?.tighten(&levels, now: now)
        return levels
    }
}
