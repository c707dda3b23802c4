internal import Catalog

extension Scheduler {
    /// New groups and models. Tickets keep their places; those of a group that is gone or of another level now, or that stand
    /// in the queue of a model that is gone, are taken out and returned, to ask again under the new terms. Accounts and counts
    /// go on under their names.
    ///
    /// - Parameter groups: the default group first; none: it alone.
    package mutating func adopt(groups: [GroupTerms], models terms: [QueueTerms], now: UInt64) -> [Eviction] {
        let former = self
        self.groups = groups.isEmpty ? Scheduler().groups : groups
        table = ClassTerms.table(self.groups)
        let places = former.classPlaces(in: self.groups)
        (models, modelPlaces) = ([], [:])
        for model in terms where modelPlaces[model.number] == nil {
            modelPlaces[model.number] = models.count
            models.append(ModelQueue(model, self.groups, table))
            former.carry(model.number, places, into: &models[models.count - 1], table, now)
        }
        (gates, gatePlaces, freeGates, lines) = ([], [:], [], ArrivalLines())
        (recent, recentAt) = ([], 0)
        return former.waitingInOrder.compactMap { stay($0, former, places, now) }
    }

    /// Where each class is among the new groups'; -1: nowhere.
    private func classPlaces(in groups: [GroupTerms]) -> [Int] {
        table.indices.map { cls in
            guard let group = groups.firstIndex(where: { $0.name == self.groups[table[cls].group].name }),
                groups[group].level == self.groups[table[cls].group].level
            else { return -1 }
            return group * 2 + cls % 2
        }
    }

    private var waitingInOrder: [UInt32] {
        let waiting = entries.indices.filter { entries[$0].isWaiting }
        func order(_ index: Int) -> UInt64 {
            entries[index].places == ArrivalLines.none ? 0 : lines[entries[index].places].order
        }
        return waiting.sorted { order($0) < order($1) }.map(UInt32.init)
    }

    private func carry(_ number: Int32, _ places: [Int], into queue: inout ModelQueue, _ table: [ClassTerms], _ now: UInt64) {
        guard let place = modelPlaces[number] else { return }
        let old = models[place]
        (queue.drain, queue.meanCost, queue.limit) = (old.drain, old.meanCost, old.limit)
        queue.sinceAged = old.sinceAged
        // It begins again when the tickets are back.
        queue.drain.end(now)
        for cls in self.table.indices where places[cls] >= 0 {
            let new = places[cls]
            // The rounds begin anew, and with them the accounts.
            var account = old.classes[cls].account
            account.catchUp(to: old.rounds[self.table[cls].rank])
            queue.classes[new].account = FairAccount(weight: table[new].weight, former: account)
            queue.tallies[table[new].group] = old.tallies[self.table[cls].group]
        }
    }

    /// Puts a ticket back in line, or takes it out.
    private mutating func stay(_ index: UInt32, _ former: Scheduler, _ places: [Int], _ now: UInt64) -> Eviction? {
        let entry = former.entries[Int(index)]
        var wanted = SmallList<8, Int32>()
        for model in 0..<entry.models.count {
            let number = former.models[Int(entry.models[model])].terms.number
            if let place = modelPlaces[number] { wanted.append(Int32(place)) }
        }
        entries[Int(index)].places = ArrivalLines.none
        guard places[entry.cls] >= 0, wanted.count == entry.models.count else {
            entries[Int(index)].isWaiting = false
            entries[Int(index)].generation &+= 1
            freeEntries.append(index)
            return Eviction(
                owner: entry.ask.owner, ticket: TicketID(index: index, generation: entry.generation), retryAfter: 1_000_000_000)
        }
        entries[Int(index)].cls = places[entry.cls]
        entries[Int(index)].ask.group = places[entry.cls] / 2
        place(index, wanted, now)
        return nil
    }
}
