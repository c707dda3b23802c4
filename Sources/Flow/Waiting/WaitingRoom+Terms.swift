import Admission
package import Catalog
package import Routing

/// What the room goes by: the catalogue, what the agent knows of servers, and how fast these answer.
extension WaitingRoom {
    private static let wantedAgain: UInt64 = 900_000_000
    private static let tokensAgain: UInt64 = 250_000_000

    /// Takes up a catalogue. Requests that wait under one that is gone look again.
    package func adopt(_ catalog: Catalog, _ table: RoutingTable, now: UInt64) {
        change { state in
            let former = state
            (state.models, state.controllers, state.onDemand) = ([:], [:], [])
            for index in catalog.models.indices {
                guard let slot = table.slot(ofModel: index) else { continue }
                state.models[slot] = RoomModel(name: catalog.models[index].name)
                shared.setModelLimit(slot, catalog.models[index].maxInFlight ?? 0)
            }
            for index in 0..<table.targetCount { adopt(table.target(index), former, &state) }
            state.groups = catalog.allGroups.map { GroupTerms($0) }
            let terms = catalog.models.indices.compactMap { index in
                table.slot(ofModel: index).map {
                    QueueTerms(number: $0, name: catalog.models[index].name, queue: catalog.models[index].queue)
                }
            }
            let evicted = state.scheduler.adopt(groups: state.groups, models: terms, now: now)
            for eviction in evicted { state.calls.append((eviction.owner, .lookAgain(eviction.ticket))) }
            for model in former.raised where state.models[model] == nil {
                shared.setGate(model, waiting: 0, isReserved: false)
                state.raised.remove(model)
            }
            handAll(&state, now)
        }
    }

    private func adopt(_ target: Target, _ former: State, _ state: inout State) {
        guard target.isGoverned, !target.isUnresolved, state.models[target.slot]?.endpoints.contains(target.number) == false
        else {
            return
        }
        state.models[target.slot]?.endpoints.append(target.number)
        switch target.maxInFlight {
        case nil: shared.setLimit(target.number, 0)
        case .fixed(let limit): shared.setLimit(target.number, limit)
        case .adaptive(let bounds):
            let known = former.controllers[target.number].flatMap { $0.bounds == bounds ? $0 : nil }
            let controller = known ?? LimitController(bounds)
            state.controllers[target.number] = controller
            shared.setLimit(target.number, controller.limit)
        }
        if !target.isOnDemand {
            shared.setAsleep(target.number, false)
            state.running.remove(target.number)
        } else {
            state.onDemand.insert(target.number)
            // Until the agent says that it runs.
            if !former.onDemand.contains(target.number) { shared.setAsleep(target.number, true) }
        }
    }

    /// Takes up what the agent knows of servers: all of it, each time.
    package func take(_ standings: [Routing.Standing], _ table: RoutingTable, now: UInt64) {
        struct Key: Hashable {
            var url: String
            var address: SocketAddress
        }
        let known = Dictionary(
            standings.map { (Key(url: $0.url, address: $0.address), $0) }, uniquingKeysWith: { _, last in last })
        change { state in
            for index in 0..<table.targetCount where table.target(index).isGoverned {
                let target = table.target(index)
                let standing = known[Key(url: target.url, address: target.address)]
                takeLoad(target.number, standing, &state)
                if target.isOnDemand { take(isRunning: standing?.isReady == true, target.number, &state) }
            }
            handAll(&state, now)
        }
    }

    private func take(isRunning: Bool, _ endpoint: EndpointNumber, _ state: inout State) {
        // It has said that before: what was found since is newer.
        guard !isRunning || !state.running.contains(endpoint) else { return }
        if isRunning { state.running.insert(endpoint) } else { state.running.remove(endpoint) }
        state.doubted[endpoint] = nil
        shared.setAsleep(endpoint, !isRunning)
    }

    /// Nobody listened where the agent says that a server runs, or has none to start any more: if it goes on saying so, that is
    /// tried again after a while.
    private func doubt(_ endpoints: Set<EndpointNumber>, _ state: inout State, _ now: UInt64) {
        for endpoint in endpoints where shared.isAsleep(endpoint) {
            guard state.running.contains(endpoint) || !state.onDemand.contains(endpoint) else { continue }
            guard let since = state.doubted[endpoint] else {
                state.doubted[endpoint] = now
                continue
            }
            guard now - min(now, since) >= Self.wantedAgain else { continue }
            state.doubted[endpoint] = nil
            shared.setAsleep(endpoint, false)
            handAll(&state, now)
        }
    }

    /// A reading may be told again because of something else: it is not to be compared with what is under way by now.
    private func takeLoad(_ endpoint: EndpointNumber, _ standing: Routing.Standing?, _ state: inout State) {
        let reading = standing?.load.map { EngineReading(load: $0, number: standing?.reading ?? 0) }
        guard state.readings[endpoint] != reading else { return }
        state.readings[endpoint] = reading
        shared.setLoad(endpoint, reading?.load)
    }

    private func handAll(_ state: inout State, _ now: UInt64) {
        setGates(&state)
        for model in state.raised { hand(model, &state, now) }
        lowerGates(&state)
    }

    /// What became of requests to an endpoint whose limit is found.
    func sample(_ endpoint: EndpointNumber, _ model: Int32, _ batch: LatencyBatch, now: UInt64) {
        change { state in
            guard var controller = state.controllers[endpoint] else { return }
            let former = controller.limit
            controller.take(batch, now: now)
            state.controllers[endpoint] = controller
            guard controller.limit != former else { return }
            shared.setLimit(endpoint, controller.limit)
            guard controller.limit > former else { return }
            hand(model, &state, now)
            lowerGates(&state)
        }
    }

    /// Which of these endpoints, whose servers do not run, are to be asked for now: each the first time, and then each second.
    package func wanted(_ endpoints: Set<EndpointNumber>, now: UInt64) -> [EndpointNumber] {
        change { state in
            doubt(endpoints, &state, now)
            state.wanted = state.wanted.filter { now - min(now, $0.value) < Self.wantedAgain }
            let due = endpoints.filter { shared.isAsleep($0) && state.wanted[$0] == nil }
            for endpoint in due { state.wanted[endpoint] = now }
            return due.sorted()
        }
    }

    /// Nanoseconds after which somebody who waited in vain for one of the endpoints may try again.
    func retryAfter(_ choices: [EndpointChoice], level: Int32, group: Int, now: UInt64) -> UInt64 {
        change { state in
            choices.map { state.scheduler.retryAfter(model: $0.model, group: group, level: level, now: now) }.min()
                ?? 1_000_000_000
        }
    }

    /// Takes out tickets that nobody answers for.
    package func sweep(now: UInt64) {
        change { state in
            for eviction in state.scheduler.lost(now: now) { state.calls.append((eviction.owner, .lookAgain(eviction.ticket))) }
            lowerGates(&state)
        }
    }

    func takeTokens(_ state: inout State, _ now: UInt64, isForced: Bool = false) {
        guard isForced || now &- state.tokensTakenAt >= Self.tokensAgain else { return }
        state.tokensTakenAt = now
        for (model, _) in state.models {
            for group in state.groups.indices {
                let tokens = shared.takeTokens(model, group)
                if tokens > 0 { state.scheduler.settle(model: model, group: group, estimated: 0, real: tokens, now: now) }
            }
        }
    }
}
