internal import Catalog

extension Scheduler {
    /// Takes out what must go so that a ticket fits in one model's queue; nil: nothing may go for it.
    mutating func makeRoom(for ask: TicketAsk, _ cls: Int, _ place: Int, _ now: UInt64) -> [Eviction]? {
        let bound = models[place].boundOf[table[cls].group]
        guard models[place].bounds[bound].policy.length > 0, ask.bytes <= models[place].bounds[bound].policy.bytes else {
            return nil
        }
        if isEnoughBelow(ask, cls, place, bound) {
            var evicted: [Eviction] = []
            while !models[place].bounds[bound].hasRoom(for: ask.bytes), let victim = lowest(below: cls, place, bound) {
                evicted.append(shed(victim, place, now))
            }
            return evicted
        }
        guard let victim = overdrawn(beside: cls, place, bound) else { return nil }
        var after = models[place].bounds[bound]
        after.count -= 1
        after.bytes -= entries[Int(victim)].ask.bytes
        return after.hasRoom(for: ask.bytes) ? [shed(victim, place, now)] : nil
    }

    /// Whether all of the lower levels together make room enough.
    private func isEnoughBelow(_ ask: TicketAsk, _ cls: Int, _ place: Int, _ bound: Int) -> Bool {
        var after = models[place].bounds[bound]
        for other in table.indices where table[other].rank < table[cls].rank && isRival(other, place, bound) {
            after.count -= models[place].classes[other].waiting
            after.bytes -= models[place].classes[other].bytes
        }
        return after.hasRoom(for: ask.bytes)
    }

    /// Whether somebody of the class stands in this queue.
    private func isRival(_ cls: Int, _ place: Int, _ bound: Int) -> Bool {
        models[place].classes[cls].waiting > 0 && models[place].boundOf[table[cls].group] == bound
    }

    /// The youngest ticket of the lowest level below a class.
    private func lowest(below cls: Int, _ place: Int, _ bound: Int) -> UInt32? {
        var rank = table[cls].rank
        for other in table.indices where table[other].rank < rank && isRival(other, place, bound) { rank = table[other].rank }
        guard rank < table[cls].rank else { return nil }
        var best = ArrivalLines.none
        for other in table.indices where table[other].rank == rank && isRival(other, place, bound) {
            best = youngest(of: other, place, or: best)
        }
        return best == ArrivalLines.none ? nil : lines[best].ticket
    }

    /// The youngest ticket of the class of the same level that holds most of the queue for its weight, if that is more than
    /// the asking one would: a flood of one group does not shut out the others.
    private func overdrawn(beside cls: Int, _ place: Int, _ bound: Int) -> UInt32? {
        var (most, held) = (-1, -1.0)
        for other in table.indices
        where other != cls && table[other].rank == table[cls].rank && isRival(other, place, bound) {
            let part = part(of: other, place)
            if part > held { (most, held) = (other, part) }
        }
        guard most >= 0, part(of: most, place, -1) >= part(of: cls, place, 1) else { return nil }
        let last = youngest(of: most, place, or: ArrivalLines.none)
        return last == ArrivalLines.none ? nil : lines[last].ticket
    }

    /// Tickets for a weight of 1, with so many more of them.
    private func part(of cls: Int, _ place: Int, _ more: Int = 0) -> Double {
        Double(models[place].classes[cls].waiting + more) / models[place].classes[cls].account.weight
    }

    /// The last place in the lines of a class, or another one that came after it.
    private func youngest(of cls: Int, _ place: Int, or other: Int32) -> Int32 {
        var best = other
        for gate in models[place].gates {
            let last = lines.last(gates[Int(gate)].lines[cls].root)
            if last != ArrivalLines.none, best == ArrivalLines.none || lines.isBefore(best, last) { best = last }
        }
        return best
    }

    private mutating func shed(_ index: UInt32, _ place: Int, _ now: UInt64) -> Eviction {
        let (entry, cls) = (entries[Int(index)], entries[Int(index)].cls)
        let retry = models[place].retryAfter(rank: table[cls].rank, now: now)
        models[place].tallies[table[cls].group].shed += 1
        takeOut(index, now)
        return Eviction(
            owner: entry.ask.owner, ticket: TicketID(index: index, generation: entry.generation), retryAfter: retry)
    }

    // MARK: - What nobody has taken out

    /// Takes out tickets whose deadline passed so long ago that their owners must have lost them; looks at a few hundred of
    /// them at a time, so that every second or so is often enough.
    ///
    /// - Parameter grace: nanoseconds after the deadline.
    package mutating func lost(now: UInt64, grace: UInt64 = 5_000_000_000) -> [Eviction] {
        var evicted: [Eviction] = []
        for _ in 0..<min(entries.count, 512) {
            hand = hand + 1 < entries.count ? hand + 1 : 0
            let entry = entries[hand]
            guard entry.isWaiting, now > entry.ask.deadline, now - entry.ask.deadline > grace else { continue }
            let ticket = TicketID(index: UInt32(hand), generation: entry.generation)
            leave(ticket, now: now)
            evicted.append(Eviction(owner: entry.ask.owner, ticket: ticket, retryAfter: 1_000_000_000))
        }
        return evicted
    }
}
