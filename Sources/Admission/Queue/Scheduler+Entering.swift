internal import Catalog
internal import Telemetry

extension Scheduler {
    // MARK: - Coming

    /// Enters a ticket in the queues of those of its models that have room for it. Where none has, tickets of lower levels are
    /// taken out, the youngest of the lowest first, or one of a group that holds more of the queue than its part.
    package mutating func enter(_ ask: TicketAsk, now: UInt64) -> (EntryAnswer, evicted: [Eviction]) {
        let cls = classOf(ask.group, ask.level)
        let wanted = queues(of: ask)
        guard !wanted.isEmpty, count < Self.capacity else { return (.full(retryAfter: 1_000_000_000), []) }
        var open = SmallList<8, Int32>()
        var hopeless = 0
        var retry = UInt64.max
        for index in 0..<wanted.count {
            let place = Int(wanted[index])
            if isHopeless(ask, cls, place, now) {
                hopeless += 1
            } else if models[place].bounds[models[place].boundOf[table[cls].group]].hasRoom(for: ask.bytes) {
                open.append(wanted[index])
                continue
            }
            retry = min(retry, models[place].retryAfter(rank: table[cls].rank, now: now))
        }
        if !open.isEmpty { return (.waiting(stand(ask, cls, open, now)), []) }
        guard hopeless < wanted.count else {
            refuse(cls, wanted) { $0.expired += 1 }
            return (.hopeless(retryAfter: retry), [])
        }
        return displace(ask, cls, wanted, retry, now)
    }

    /// Places of the models that it names and that have an endpoint which it names.
    private func queues(of ask: TicketAsk) -> SmallList<8, Int32> {
        var found = SmallList<8, Int32>()
        for index in 0..<ask.endpoints.count {
            let model = ask.endpoints[index].model
            guard ask.models.contains(model), let place = modelPlaces[model], !found.contains(Int32(place)) else { continue }
            found.append(Int32(place))
        }
        return found
    }

    /// Only the lowest of several levels is refused because it would wait in vain.
    private mutating func isHopeless(_ ask: TicketAsk, _ cls: Int, _ place: Int, _ now: UInt64) -> Bool {
        guard models[place].isLowestOfSeveral(table[cls].rank),
            let wait = models[place].expectedWait(rank: table[cls].rank, now: now)
        else { return false }
        return wait > (ask.deadline > now ? ask.deadline - now : 0)
    }

    private mutating func refuse(_ cls: Int, _ wanted: SmallList<8, Int32>, _ count: (inout GroupTally) -> Void) {
        for index in 0..<wanted.count { count(&models[Int(wanted[index])].tallies[table[cls].group]) }
    }

    private mutating func displace(
        _ ask: TicketAsk, _ cls: Int, _ wanted: SmallList<8, Int32>, _ retry: UInt64, _ now: UInt64
    ) -> (EntryAnswer, evicted: [Eviction]) {
        for index in 0..<wanted.count {
            let place = Int(wanted[index])
            guard let evicted = makeRoom(for: ask, cls, place, now) else { continue }
            return (.waiting(stand(ask, cls, [wanted[index]], now)), evicted)
        }
        refuse(cls, wanted) { $0.full += 1 }
        return (.full(retryAfter: retry), [])
    }

    /// Enters it, whether or not there is room.
    mutating func stand(_ ask: TicketAsk, _ cls: Int, _ wanted: SmallList<8, Int32>, _ now: UInt64) -> TicketID {
        let index: UInt32
        if let free = freeEntries.popLast() {
            index = free
            entries[Int(index)].ask = ask
            entries[Int(index)].cls = cls
        } else {
            index = UInt32(entries.count)
            entries.append(Entry(ask: ask, cls: cls))
        }
        place(index, wanted, now)
        return TicketID(index: index, generation: entries[Int(index)].generation)
    }

    /// Puts a ticket in its lines.
    mutating func place(_ index: UInt32, _ wanted: SmallList<8, Int32>, _ now: UInt64) {
        let (ask, cls) = (entries[Int(index)].ask, entries[Int(index)].cls)
        entries[Int(index)].isWaiting = true
        entries[Int(index)].models = wanted
        order += 1
        for choice in 0..<ask.endpoints.count {
            guard let place = modelPlaces[ask.endpoints[choice].model], wanted.contains(Int32(place)) else { continue }
            join(index, cls, gate(ask.endpoints[choice], place), now)
        }
        for model in 0..<wanted.count { models[Int(wanted[model])].came(cls, table, bytes: ask.bytes, now: now) }
    }

    private mutating func join(_ index: UInt32, _ cls: Int, _ gate: Int, _ now: UInt64) {
        let entry = entries[Int(index)]
        var other = entry.places
        while other != ArrivalLines.none {
            // The endpoint was named twice.
            if lines[other].gate == Int32(gate) { return }
            other = lines[other].sibling
        }
        let place = lines.make(
            ticket: index, gate: Int32(gate), arrival: entry.ask.arrival, order: order, sibling: entry.places)
        entries[Int(index)].places = place
        lines.insert(place, under: &gates[gate].lines[cls].root)
        gates[gate].lines[cls].count += 1
        if gates[gate].lines[cls].count == 1 {
            gates[gate].active.append(Int32(cls))
            gates[gate].lines[cls].since = now
        }
    }

    private mutating func gate(_ choice: EndpointChoice, _ place: Int) -> Int {
        let key = GateKey(endpoint: choice.number, model: choice.model)
        if let known = gatePlaces[key] { return Int(known) }
        let index: Int32
        if let free = freeGates.popLast() {
            index = free
            gates[Int(index)].endpoint = choice.number
            gates[Int(index)].model = place
        } else {
            index = Int32(gates.count)
            gates.append(Gate(endpoint: choice.number, model: place, lines: Array(repeating: Line(), count: table.count)))
        }
        gatePlaces[key] = index
        models[place].gates.append(index)
        return Int(index)
    }

    // MARK: - Leaving

    /// Takes a ticket out. False: it is not there any more, as something has been granted or told to its owner.
    @discardableResult
    package mutating func leave(_ ticket: TicketID, now: UInt64, as departure: Departure = .gone) -> Bool {
        guard isWaiting(ticket) else { return false }
        let entry = entries[Int(ticket.index)]
        let waited = now > entry.ask.arrival ? now - entry.ask.arrival : 0
        for index in 0..<entry.models.count {
            let (place, group) = (Int(entry.models[index]), table[entry.cls].group)
            switch departure {
            case .gone where now >= entry.ask.deadline: models[place].tallies[group].expired += 1
            case .gone: models[place].tallies[group].left += 1
            case .served where index == 0:
                models[place].tallies[group].granted += 1
                models[place].tallies[group].waits.record(waited / 1000, on: .firstToken)
            case .served, .moved: break
            }
        }
        takeOut(ticket.index, now)
        return true
    }

    package func isWaiting(_ ticket: TicketID) -> Bool {
        guard Int(ticket.index) < entries.count else { return false }
        let entry = entries[Int(ticket.index)]
        return entry.isWaiting && entry.generation == ticket.generation
    }

    /// Takes a ticket out of all lines and counts, and forgets it.
    mutating func takeOut(_ index: UInt32, _ now: UInt64) {
        let entry = entries[Int(index)]
        var place = entry.places
        while place != ArrivalLines.none {
            let next = lines[place].sibling
            part(place, entry.cls)
            place = next
        }
        for model in 0..<entry.models.count {
            models[Int(entry.models[model])].went(entry.cls, table, bytes: entry.ask.bytes, now: now)
        }
        entries[Int(index)].isWaiting = false
        entries[Int(index)].places = ArrivalLines.none
        entries[Int(index)].generation &+= 1
        freeEntries.append(index)
    }

    private mutating func part(_ place: Int32, _ cls: Int) {
        let gate = Int(lines[place].gate)
        lines.remove(place, under: &gates[gate].lines[cls].root)
        lines.release(place)
        gates[gate].lines[cls].count -= 1
        guard gates[gate].lines[cls].count == 0 else { return }
        gates[gate].active.removeAll { $0 == Int32(cls) }
        guard gates[gate].active.isEmpty else { return }
        let model = gates[gate].model
        gatePlaces[GateKey(endpoint: gates[gate].endpoint, model: models[model].terms.number)] = nil
        models[model].gates.removeAll { $0 == Int32(gate) }
        freeGates.append(Int32(gate))
    }
}
