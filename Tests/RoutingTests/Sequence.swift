import Catalog
import Routing
import Testing

/// One random sequence of events against a router, with a model of its own of what must not happen. It knows of a breaker what
/// the router announces, and checks that by itself where three failures in a row must open one.
struct Sequence {
    /// What the model knows of an endpoint.
    struct Known {
        var isOut = false
        var hasFault = false
        var cooldownUntil: UInt64 = 0
        var rotatedUntil: UInt64 = 0
        /// The breaker's, as announced; nil: closed.
        var openUntil: UInt64?
        var cause = StandbyCause.breaker
        var trials = 0
        /// Counts the breaker's changes.
        var changes = 0
        var failuresInARow = 0
        var inFlight = 0
    }

    private let catalog: Catalog
    private let table: RoutingTable
    private let policy: BreakerPolicy
    private let strategy: Strategy
    private let shared: RoutingShared
    private var router: Router
    private var random: Random
    private var now: UInt64 = 1_000 * Ground.second
    private var known: [Known]
    private var open: [(attempt: Attempt, changes: Int)] = []
    private var sessions: [UInt64: EndpointNumber] = [:]
    private var salt: UInt64
    /// By number.
    private let addresses: [SocketAddress]
    private let keyed: Set<Int>
    /// What went wrong, with the events up to it.
    private(set) var faults: [String] = []
    private(set) var picks = 0
    private(set) var standbys = 0
    private(set) var trials = 0
    private(set) var fallbacks = 0

    /// - Parameter router: that has taken up `table` and done nothing yet.
    init(_ catalog: Catalog, _ table: RoutingTable, _ router: Router, _ shared: RoutingShared, seed: UInt64) {
        self.catalog = catalog
        self.table = table
        self.router = router
        self.shared = shared
        policy = table.route(0).policy.breaker
        strategy = table.route(0).policy.strategy
        random = Random(seed: seed)
        salt = random.next()
        let targets = (0..<table.targetCount).map { table.target($0) }.sorted { $0.number < $1.number }
        addresses = targets.map(\.address)
        keyed = Set(targets.filter { !$0.authorization.isEmpty }.map { Int($0.number) })
        known = Array(repeating: Known(), count: table.targetCount)
    }

    mutating func run(events: Int) {
        for _ in 0..<events where faults.isEmpty {
            switch random.below(16) {
            case 0..<7: request()
            case 7..<11: end(random.below(3) == 0 ? .success(firstByte: 1_000, total: random.next() % 1_000_000) : failure())
            case 11..<13: now += random.next() % (random.below(3) == 0 ? 15 * Ground.second : Ground.second)
            case 13: stand()
            case 14: tell()
            default: random.below(2) == 0 ? rotate() : router.adopt(table, now: now)
            }
        }
        while !open.isEmpty { end(.cancelled) }
        for number in known.indices where shared.inFlight(EndpointNumber(number)) != 0 { fault("a count leaked: \(number)") }
    }

    // MARK: Events

    private mutating func request() {
        var ask = RouteAsk(route: 0, isStream: random.below(2) == 0, prefix: random.next() % 8)
        let session = salt &+ random.next() % 4
        if case .sessionSticky = strategy { ask.session = max(1, session) }
        if random.below(4) == 0 {
            ask.attempt = 1
            ask.excluded.insert(EndpointNumber(random.below(known.count)))
        }
        switch router.pick(ask, table, now: now) {
        case .target(let target, let isTrial): check(ask, target, isTrial)
        case .nothing(let recoveryAt, _): checkNothing(ask, recoveryAt)
        }
    }

    private mutating func end(_ outcome: Outcome) {
        guard !open.isEmpty else { return }
        let (attempt, changes) = open.remove(at: random.below(open.count))
        let number = Int(attempt.number)
        if attempt.isTrial, changes == known[number].changes { known[number].trials -= 1 }
        known[number].inFlight -= 1
        let wasClosed = known[number].openUntil == nil
        router.ended(attempt, outcome, now: now)
        if case .status(429, .some(let time), _) = outcome {
            known[number].cooldownUntil = max(known[number].cooldownUntil, now + time)
        }
        learn()
        count(number, outcome)
        if wasClosed, known[number].failuresInARow >= policy.failures, known[number].openUntil == nil {
            fault("\(known[number].failuresInARow) failures in a row did not open \(number)")
        }
        checkCount(number)
    }

    private mutating func failure() -> Outcome {
        switch random.below(7) {
        case 0: .connectFailed
        case 1: .status(429, retryAfter: random.next() % (5 * Ground.second) + 1)
        case 2: .status(500, retryAfter: nil)
        case 3: .brokenStream
        case 4: .cancelled
        case 5: .status(401, retryAfter: nil)
        default: .timedOut
        }
    }

    private mutating func stand() {
        var standings: [Standing] = []
        for target in (0..<table.targetCount).map({ table.target($0) }) where !standings.contains(where: { $0.url == target.url })
        {
            let hasFault = random.below(4) == 0
            let isDrained = random.below(6) == 0
            standings.append(
                Standing(url: target.url, address: target.address, fault: hasFault ? "down" : "", isDrained: isDrained))
            for number in sharing(target.address) {
                // When probes find an endpoint well again, it is tried at once.
                if known[number].hasFault, !hasFault, known[number].cause == .breaker, let until = known[number].openUntil {
                    known[number].openUntil = min(until, now)
                }
                known[number].hasFault = hasFault
                known[number].isOut = isDrained || hasFault
            }
        }
        router.take(standings, table, now: now, epochMilliseconds: 1)
    }

    /// Another event loop tells of what it found.
    private mutating func tell() {
        let number = random.below(known.count)
        let until = now + random.next() % (4 * Ground.second) + 1
        switch random.below(3) {
        case 0:
            router.take(RoutingNotice(number: EndpointNumber(number), change: .standby(.cooldown, until: until)), now: now)
            known[number].cooldownUntil = max(known[number].cooldownUntil, until)
        case 1:
            router.take(RoutingNotice(number: EndpointNumber(number), change: .standby(.breaker, until: until)), now: now)
            opened(number, .breaker, until)
        default:
            router.take(RoutingNotice(number: EndpointNumber(number), change: .active(.breaker)), now: now)
            if known[number].cause == .breaker { closed(number) }
        }
    }

    private mutating func rotate() {
        _ = router.rotate(0, table, now: now)
        learn()
    }

    // MARK: What the router says of itself

    private mutating func learn() {
        for notice in router.takeNotices() {
            let number = Int(notice.number)
            switch notice.change {
            case .standby(.breaker, let until): opened(number, .breaker, until)
            case .standby(.authentication, let until): opened(number, .authentication, until)
            case .active(let cause) where cause == known[number].cause: closed(number)
            case .standby(.cooldown, let until) where until != known[number].cooldownUntil: fault("cooldown nobody asked for")
            case .standby(.rotated, let until): known[number].rotatedUntil = until
            case .active(.rotated): known[number].rotatedUntil = 0
            default: break
            }
        }
    }

    private mutating func opened(_ number: Int, _ cause: StandbyCause, _ until: UInt64) {
        known[number].cause = cause
        known[number].openUntil = until
        known[number].trials = 0
        known[number].changes += 1
        known[number].failuresInARow = 0
        standbys += 1
    }

    private mutating func closed(_ number: Int) {
        guard known[number].openUntil != nil else { return }
        known[number].openUntil = nil
        known[number].trials = 0
        known[number].changes += 1
        known[number].failuresInARow = 0
    }

    private mutating func count(_ number: Int, _ outcome: Outcome) {
        switch outcome {
        case .success, .status(429, _, _): known[number].failuresInARow = 0
        // With a key of the broker's it is no answer, without it is one.
        case .status(401, _, _): if !keyed.contains(number) { known[number].failuresInARow = 0 }
        case .cancelled: break
        case .connectFailed:
            for peer in sharing(addresses[number]) where known[peer].openUntil == nil { known[peer].failuresInARow += 1 }
        default: if known[number].openUntil == nil { known[number].failuresInARow += 1 }
        }
    }

    // MARK: What must hold

    /// Nothing keeps requests from it; a trial is free if it is half open.
    private func isUsable(_ number: Int) -> Bool {
        let it = known[number]
        guard !it.isOut, now >= it.cooldownUntil else { return false }
        guard let until = it.openUntil else { return true }
        return now >= until && it.trials < (it.cause == .breaker ? policy.trials : 1)
    }

    private func usable(_ targets: [Int], _ ask: RouteAsk) -> [Int] {
        targets.map { Int(table.target($0).number) }.filter { isUsable($0) && !ask.excluded.contains(EndpointNumber($0)) }
    }

    private mutating func check(_ ask: RouteAsk, _ index: Int, _ isTrial: Bool) {
        let target = table.target(index)
        let number = Int(target.number)
        picks += 1
        let route = table.route(0)
        if !isUsable(number) { fault("picked \(number), which is on standby") }
        if ask.excluded.contains(target.number) { fault("picked \(number), which was excluded") }
        if isTrial != (known[number].openUntil != nil) { fault("\(number) is no trial, or should be one") }
        let active = usable(route.candidates, ask)
        if target.isFallback, !active.isEmpty { fault("picked a fallback while \(active) are active") }
        if now < known[number].rotatedUntil, !isStrict, active.contains(where: { now >= known[$0].rotatedUntil }) {
            fault("picked \(number), which was rotated away")
        }
        checkSession(ask, target)
        if target.isFallback { fallbacks += 1 }
        let attempt = router.began(target, for: ask, isTrial: isTrial, now: now)
        open.append((attempt, known[number].changes))
        known[number].inFlight += 1
        if isTrial {
            known[number].trials += 1
            trials += 1
        }
        checkCount(number)
    }

    private mutating func checkNothing(_ ask: RouteAsk, _ recoveryAt: UInt64) {
        let route = table.route(0)
        if recoveryAt <= now { fault("it recovers in the past") }
        let own = sessions[ask.session]
        if isStrict, ask.session != 0, let own, !isUsable(Int(own)) || ask.excluded.contains(own) { return }
        let rest = usable(route.candidates + route.fallbacks, ask)
        if !rest.isEmpty { fault("picked nothing while \(rest) are usable") }
    }

    private func sharing(_ address: SocketAddress) -> [Int] { addresses.indices.filter { addresses[$0] == address } }

    private var isStrict: Bool {
        if case .sessionSticky(let policy) = strategy { return policy.isStrict }
        return false
    }

    /// A session stays where it is as long as that can be used.
    private mutating func checkSession(_ ask: RouteAsk, _ target: Target) {
        guard ask.session != 0 else { return }
        if let own = sessions[ask.session], own != target.number {
            let isWell = isUsable(Int(own)) && now >= known[Int(own)].rotatedUntil && !ask.excluded.contains(own)
            // A second attempt leaves what is only on trial to others.
            let isDoubtful = ask.attempt > 0 && known[Int(own)].openUntil != nil
            if isStrict || isWell && !isDoubtful { fault("a session went from \(own) to \(target.number)") }
            if ask.excluded.contains(own) { return }
        }
        if !target.isFallback { sessions[ask.session] = target.number }
    }

    private mutating func checkCount(_ number: Int) {
        let count = shared.inFlight(EndpointNumber(number))
        if count != known[number].inFlight { fault("\(count) under way to \(number), not \(known[number].inFlight)") }
    }

    private mutating func fault(_ text: String) { faults.append(text) }
}
