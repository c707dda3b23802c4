internal import Catalog
internal import Telemetry

extension Scheduler {
    // MARK: - Who is next

    /// The ticket that gets a slot that has become free; it is taken out of all queues, is charged for, and counts as under way
    /// until `ended`.
    ///
    /// - Parameter limit: slots of the model in all (where it has no limit itself: of its endpoints together); 0: no limit.
    package mutating func next(model: Int32, endpoint: Int32, limit: UInt64, now: UInt64) -> QueueGrant? {
        guard let place = modelPlaces[model] else { return nil }
        models[place].limit = limit
        guard let gate = gatePlaces[GateKey(endpoint: endpoint, model: model)],
            let cls = choose(at: Int(gate), of: place, now)
        else { return nil }
        let ticket = lines[head(of: cls, at: Int(gate), now)].ticket
        gates[Int(gate)].lines[cls].since = now
        return grant(ticket, place, cls, now)
    }

    /// The class that is next at a gate; nil: nobody there may have a slot.
    private mutating func choose(at gate: Int, of place: Int, _ now: UInt64) -> Int? {
        let underWay = models[place].reserving.isEmpty ? 0 : models[place].inFlight
        var (aged, since) = (-1, UInt64.max)
        var rank = -1
        for active in gates[gate].active {
            let cls = Int(active)
            guard mayPass(cls, place, underWay) else { continue }
            rank = max(rank, table[cls].rank)
            let line = gates[gate].lines[cls]
            if line.since < since, now >= line.since, now - line.since >= ageing(cls, place) { (aged, since) = (cls, line.since) }
        }
        guard rank >= 0 else { return nil }
        models[place].sinceAged += 1
        if aged >= 0, table[aged].rank < rank || models[place].classes[aged].account.standing < 0,
            models[place].sinceAged >= ModelQueue.agedEvery
        {
            models[place].sinceAged = 0
            models[place].classes[aged].account.catchUp(to: models[place].rounds[table[aged].rank])
            return aged
        }
        return fairest(at: gate, of: place, rank, underWay)
    }

    private func mayPass(_ cls: Int, _ place: Int, _ underWay: UInt64) -> Bool {
        models[place].reserving.isEmpty
            || models[place].mayPass(table[cls].group, groups, limit: models[place].limit, inFlight: underWay)
    }

    /// Nanoseconds.
    private func ageing(_ cls: Int, _ place: Int) -> UInt64 {
        let policy = models[place].bounds[models[place].boundOf[table[cls].group]].policy
        return UInt64(max(0, policy.ageing)) * 1_000_000
    }

    /// Of the classes of one level, the one that is owed most for its weight.
    private mutating func fairest(at gate: Int, of place: Int, _ rank: Int, _ underWay: UInt64) -> Int? {
        var best = -1
        for active in gates[gate].active {
            let cls = Int(active)
            guard table[cls].rank == rank, mayPass(cls, place, underWay) else { continue }
            models[place].classes[cls].account.catchUp(to: models[place].rounds[rank])
            if best < 0 || isOwedMore(models[place].classes[cls], than: models[place].classes[best]) { best = cls }
        }
        guard best >= 0 else { return nil }
        let standing = models[place].classes[best].account.standing
        guard standing < 0 else { return best }
        // All are in debt: a round, as long as the first needs.
        models[place].rounds[rank] -= standing
        for active in gates[gate].active where table[Int(active)].rank == rank && mayPass(Int(active), place, underWay) {
            models[place].classes[Int(active)].account.give(round: -standing)
        }
        return best
    }

    private func isOwedMore(_ one: QueueClass, than other: QueueClass) -> Bool {
        let (first, second) = (one.account.standing, other.account.standing)
        return first == second ? one.lastGrant < other.lastGrant : first > second
    }

    /// The place in a line that is next: the first, or the last where the queue says so and the first has waited for long.
    private func head(of cls: Int, at gate: Int, _ now: UInt64) -> Int32 {
        let root = gates[gate].lines[cls].root
        let first = lines.first(root)
        let model = gates[gate].model
        let bound = models[model].boundOf[table[cls].group]
        guard models[model].bounds[bound].policy.order == .lifoUnderOverload else { return first }
        let ask = entries[Int(lines[first].ticket)].ask
        let patience = ask.deadline > ask.arrival ? ask.deadline - ask.arrival : 0
        return now > ask.arrival && now - ask.arrival >= patience / 2 ? lines.last(root) : first
    }

    private mutating func grant(_ index: UInt32, _ place: Int, _ cls: Int, _ now: UInt64) -> QueueGrant {
        let ask = entries[Int(index)].ask
        let ticket = TicketID(index: index, generation: entries[Int(index)].generation)
        let waited = now > ask.arrival ? now - ask.arrival : 0
        takeOut(index, now)
        order += 1
        models[place].drain.grant(now)
        models[place].classes[cls].lastGrant = order
        let charge = models[place].classes[cls].account.charge(ask.cost, mean: models[place].meanCost)
        let group = table[cls].group
        models[place].tallies[group].granted += 1
        models[place].tallies[group].inFlight += 1
        models[place].tallies[group].waits.record(waited / 1000, on: .firstToken)
        mark(GrantMark(ticket: ticket, model: place, cls: cls, cost: ask.cost, charge: charge))
        return QueueGrant(ticket: ticket, owner: ask.owner, group: group, cost: ask.cost, waited: waited)
    }

    // MARK: - What comes back

    private mutating func mark(_ mark: GrantMark) {
        if recent.count < Self.marks { recent.append(mark) } else { recent[recentAt] = mark }
        recentAt = (recentAt + 1) % Self.marks
    }

    /// A grant that its owner could not use: it is charged nothing, and is not under way any more. False: it is not known, or
    /// was made too long ago; the owner says `ended` then.
    @discardableResult
    package mutating func giveBack(_ ticket: TicketID, now: UInt64) -> Bool {
        guard let index = recent.lastIndex(where: { $0.ticket == ticket }) else { return false }
        let mark = recent[index]
        recent[index].ticket = TicketID(index: .max, generation: .max)
        let group = table[mark.cls].group
        models[mark.model].classes[mark.cls].account.refund(mark.cost, charge: mark.charge, mean: models[mark.model].meanCost)
        models[mark.model].tallies[group].granted -= 1
        models[mark.model].tallies[group].left += 1
        if models[mark.model].tallies[group].inFlight > 0 { models[mark.model].tallies[group].inFlight -= 1 }
        return true
    }
}
