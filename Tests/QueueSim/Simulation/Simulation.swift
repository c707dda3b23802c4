internal import Admission

/// Requests, slots and time around the scheduler, without sockets and without waiting.
package struct Simulation: Sendable {
    private enum Event: Sendable {
        case arrival(group: Int)
        case done(request: Int, generation: UInt32)
        case deadline(request: Int, generation: UInt32)
        case wake(group: Int)
    }

    private enum State: Sendable { case none, waiting, underWay }

    private struct Request: Sendable {
        var group = 0
        var tokens: UInt64 = 0
        var estimate: UInt64 = 0
        var arrival: UInt64 = 0
        var endpoint = 0
        var ticket = TicketID(index: .max, generation: .max)
        var state = State.none
        var generation: UInt32 = 0
        var waited = false
    }

    private var setup: SimSetup
    /// By group: endpoints that its requests accept.
    private let accepted: [[Int]]
    private let choices: [SmallList<16, EndpointChoice>]
    private let limit: UInt64
    private var scheduler = Scheduler()
    private var events = EventHeap<Event>()
    private var random: SimRandom
    private var requests: [Request] = []
    private var free: [Int] = []
    private var inUse: [UInt64]
    private var waiting: [Int]
    private var result: SimResult
    private var now: UInt64 = 1_000_000_000
    private var busy = 0.0
    private let end: UInt64

    private init(_ setup: SimSetup) {
        self.setup = setup
        let accepted = setup.groups.map { $0.endpoints ?? Array(setup.endpoints.indices) }
        self.accepted = accepted
        choices = accepted.map { SmallList($0.map { EndpointChoice(number: Int32($0), model: 0) }) }
        limit = setup.endpoints.reduce(0, +)
        random = SimRandom(seed: setup.seed)
        inUse = Array(repeating: 0, count: setup.endpoints.count)
        waiting = Array(repeating: 0, count: setup.groups.count)
        result = SimResult(groups: setup.groups.map { SimOutcome(name: $0.terms.name) })
        end = now + setup.duration
        let tenths = Int(setup.duration / 100_000_000) + 1
        for group in setup.groups.indices {
            result.groups[group].tokensByTenth = Array(repeating: 0, count: tenths)
            result.groups[group].grantedByTenth = Array(repeating: 0, count: tenths)
        }
        _ = scheduler.adopt(groups: setup.groups.map(\.terms), models: [setup.model], now: now)
    }

    package static func run(_ setup: SimSetup) -> SimResult {
        var simulation = Simulation(setup)
        simulation.run()
        return simulation.result
    }

    // MARK: - Time

    private mutating func run() {
        let start = now
        for group in setup.groups.indices {
            for range in setup.groups[group].active where range.lowerBound < setup.duration {
                events.plan(.wake(group: group), at: start + range.lowerBound)
            }
        }
        while let (time, event) = events.next(), time < end {
            busy += Double(inUse.reduce(0, +)) * Double(time - now)
            now = time
            handle(event)
        }
        finish(start)
    }

    private mutating func finish(_ start: UInt64) {
        for group in setup.groups.indices { result.groups[group].endDrought(now) }
        if scheduler.count != waiting.reduce(0, +) { result.faults.append("\(scheduler.count) tickets, \(waiting) wait") }
        let slots = setup.endpoints.reduce(0, +)
        if now > start, slots > 0 { result.utilisation = busy / (Double(now - start) * Double(slots)) }
        result.figures = scheduler.figures(now: now)
    }

    private mutating func handle(_ event: Event) {
        switch event {
        case .wake(let group): wake(group)
        case .arrival(let group):
            guard isActive(group) else { return }
            arrive(group)
            planArrival(group)
        case .done(let request, let generation):
            guard requests[request].generation == generation else { return }
            complete(request)
        case .deadline(let request, let generation):
            guard requests[request].generation == generation, requests[request].state == .waiting else { return }
            if !scheduler.leave(requests[request].ticket, now: now) { result.faults.append("a waiting ticket was not there") }
            result.groups[requests[request].group].expired += 1
            forget(request)
        }
    }

    private func isActive(_ group: Int) -> Bool {
        let time = now - (end - setup.duration)
        return setup.groups[group].active.contains { $0.contains(time) }
    }

    // MARK: - Coming

    private mutating func wake(_ group: Int) {
        switch setup.groups[group].arrivals {
        case .saturating: fill(group)
        case .poisson: planArrival(group)
        }
    }

    private mutating func planArrival(_ group: Int) {
        guard case .poisson(let rate) = setup.groups[group].arrivals, rate > 0 else { return }
        events.plan(.arrival(group: group), at: now + UInt64(random.exponential(1e9 / rate)))
    }

    private mutating func fill(_ group: Int) {
        guard case .saturating(let depth) = setup.groups[group].arrivals, isActive(group) else { return }
        while waiting[group] < depth {
            let before = result.groups[group].full + result.groups[group].hopeless
            arrive(group)
            guard result.groups[group].full + result.groups[group].hopeless == before else { return }
        }
    }

    private mutating func arrive(_ group: Int) {
        result.requests += 1
        result.groups[group].arrived += 1
        let request = make(group)
        guard !start(request) else { return }
        let (answer, evicted) = scheduler.enter(ask(request), now: now)
        for eviction in evicted { evict(eviction) }
        switch answer {
        case .waiting(let ticket):
            requests[request].ticket = ticket
            requests[request].state = .waiting
            requests[request].waited = true
            waiting[group] += 1
            if result.groups[group].droughtSince == nil { result.groups[group].droughtSince = now }
            events.plan(
                .deadline(request: request, generation: requests[request].generation), at: now + setup.groups[group].patience)
            for endpoint in setup.endpoints.indices { serve(endpoint) }
        case .full:
            result.groups[group].full += 1
            drop(request)
        case .hopeless:
            result.groups[group].hopeless += 1
            drop(request)
        }
    }

    private mutating func evict(_ eviction: Eviction) {
        let request = Int(eviction.owner)
        guard requests[request].state == .waiting, requests[request].ticket == eviction.ticket else {
            return result.faults.append("somebody was evicted who did not wait")
        }
        result.groups[requests[request].group].shed += 1
        forget(request)
    }

    private mutating func make(_ group: Int) -> Int {
        let request: Int
        if let known = free.popLast() {
            request = known
        } else {
            request = requests.count
            requests.append(Request())
        }
        let tokens = setup.groups[group].tokens.draw(&random)
        requests[request].group = group
        requests[request].tokens = tokens
        requests[request].estimate = max(1, UInt64(Double(tokens) * setup.groups[group].estimate))
        requests[request].arrival = now
        requests[request].waited = false
        return request
    }

    private func ask(_ request: Int) -> TicketAsk {
        let group = requests[request].group
        return TicketAsk(
            owner: UInt64(request), group: group, level: setup.groups[group].terms.level, cost: requests[request].estimate,
            bytes: 1000, arrival: now, deadline: now + setup.groups[group].patience, models: [0],
            endpoints: choices[group])
    }

    // MARK: - Slots

    /// Without waiting, where nobody waits.
    private mutating func start(_ request: Int) -> Bool {
        let group = requests[request].group
        guard scheduler.waiting(model: 0) == 0,
            let endpoint = accepted[group].first(where: { inUse[$0] < setup.endpoints[$0] }),
            scheduler.mayPass(model: 0, group: group, limit: limit, inFlight: inUse.reduce(0, +))
        else { return false }
        scheduler.began(model: 0, group: group)
        run(request, at: endpoint)
        return true
    }

    private mutating func serve(_ endpoint: Int) {
        while inUse[endpoint] < setup.endpoints[endpoint] {
            guard let grant = scheduler.next(model: 0, endpoint: Int32(endpoint), limit: limit, now: now) else {
                if !scheduler.isGated(model: 0), scheduler.waitingEndpoints.contains(Int32(endpoint)) { result.idleSlots += 1 }
                return
            }
            let request = Int(grant.owner)
            guard requests[request].state == .waiting, requests[request].ticket == grant.ticket else {
                return result.faults.append("somebody got a slot who did not wait")
            }
            let group = requests[request].group
            waiting[group] -= 1
            result.groups[group].endDrought(now)
            if waiting[group] > 0 { result.groups[group].droughtSince = now }
            run(request, at: endpoint)
            fill(group)
        }
    }

    private mutating func run(_ request: Int, at endpoint: Int) {
        let group = requests[request].group
        inUse[endpoint] += 1
        requests[request].endpoint = endpoint
        requests[request].state = .underWay
        result.groups[group].waits.append(UInt32(clamping: (now - requests[request].arrival) / 1000))
        result.groups[group].grantedByTenth[tenth] += requests[request].tokens
        let time = setup.base + setup.perToken * Double(requests[request].tokens)
        events.plan(.done(request: request, generation: requests[request].generation), at: now + UInt64(time))
    }

    private var tenth: Int { Int((now - (end - setup.duration)) / 100_000_000) }

    private mutating func complete(_ request: Int) {
        let done = requests[request]
        result.groups[done.group].completed += 1
        result.groups[done.group].tokens += done.tokens
        result.groups[done.group].tokensByTenth[tenth] += done.tokens
        inUse[done.endpoint] -= 1
        scheduler.settle(
            model: 0, group: done.group, estimated: done.waited ? done.estimate : 0, real: done.tokens, now: now)
        scheduler.ended(model: 0, group: done.group)
        drop(request)
        // A slot kept for a group may now be another endpoint's.
        if scheduler.isGated(model: 0) {
            for endpoint in setup.endpoints.indices { serve(endpoint) }
        } else {
            serve(done.endpoint)
        }
    }

    /// It waits no more, and has got nothing.
    private mutating func forget(_ request: Int) {
        let group = requests[request].group
        waiting[group] -= 1
        if waiting[group] == 0 { result.groups[group].endDrought(now) }
        drop(request)
    }

    private mutating func drop(_ request: Int) {
        requests[request].state = .none
        requests[request].generation &+= 1
        free.append(request)
    }
}
