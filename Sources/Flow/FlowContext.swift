package import Admission
package import Catalog
package import Control
package import Identity
package import Routing

/// What all flows of one event loop share; the loop owns it, so nothing in it is locked.
package struct FlowContext {
    /// Nanoseconds on the monotonic clock, set by the driver before each call.
    package var now: UInt64 = 0
    /// Milliseconds since 1970, UTC; set together with `now`.
    package var epochMilliseconds: Int64 = 0
    /// The same in seconds.
    package var epoch: Int64 {
        get { epochMilliseconds / 1000 }
        set { epochMilliseconds = newValue * 1000 }
    }
    package var ledger = Ledger()
    /// What the hot path uses in the place of `routes`.
    private(set) var table = SharedTable(RoutingTable())
    package var routes: RoutingTable { table.routes }
    /// Counts the catalogues taken up: numbers of models, routes and targets hold within one version.
    package private(set) var routesVersion = 0
    package private(set) var timeouts = Timeouts()
    package private(set) var maxBody = 32 << 20
    /// The limits of the catalogue's models, and who may call them.
    package var admission = AdmissionTable()
    package private(set) var access = AccessTable()
    /// Who there is, and what proves it.
    package private(set) var directory = ClientDirectory()
    /// nil: there are no rules.
    private(set) var firewall: Firewall?
    /// Tokens that were checked lately.
    private(set) var tokens = TokenCache(limit: 0)
    private var hasTokens = false
    /// Tokens whose check is waited for.
    package internal(set) var checks = 0
    /// What makes a session of each client, where its sessions are limited.
    private(set) var sessionKeys: [SessionKey?] = []
    package var audit = AuditBuffer()
    /// Pods by their cgroups.
    package var pods: [UInt64: PodName] = [:]
    /// Which requests spans are made of, and those that were made.
    private(set) var sampler = Sampler(nil)
    package var spans = SpanBuffer()
    /// Chooses endpoints, and knows of each what this loop has seen of it.
    package var router: Router
    let shared: RoutingShared
    /// Where requests wait for slots.
    package let room: WaitingRoom
    private(set) var shares = ShareTable()
    /// Endpoints whose servers do not run, and that requests wait for; the driver tells of them and empties it.
    package var wanted: Set<EndpointNumber> = []
    /// How fast those answer whose limits are found.
    private var samples: [EndpointNumber: Sample] = [:]
    private var governed: [Bool] = []
    /// Another process has the listeners: each connection gets one more answer at most, and is told so with it.
    package var isRetiring = false
    /// Somebody wants to know where each request goes, and why.
    package var watchesDecisions = false
    /// How servers that are reached by https prove themselves; the number in an action is one more than the index here.
    /// The list only grows, so that a number means the same for the life of the loop.
    package private(set) var tlsTerms: [EndpointTLS] = []
    private var targetTLS: [UInt16] = []
    private var targetModels: [Int] = []
    private(set) var plans: [RoutePlan] = []
    /// The header that makes a session, for each route.
    private(set) var sessionHeaders: [[UInt8]] = []
    /// Bytes of each prompt that are hashed; 0: no route looks at them.
    private(set) var promptBytes = 0
    var buffers = BufferPool()
    /// Which refusals are reported.
    package var refusals = RefusalReports()
    private var requestIDs: RequestIDs
    /// Seconds since 1970 at which the catalogue was taken up: `created` in the models list.
    package var epochSeconds = 0

    /// - Parameters:
    ///   - seed: makes the request ids and the choices of this loop differ from those of any other.
    ///   - shared: what all loops count together.
    ///   - room: of the same slots; nil: one of this loop alone.
    package init(seed: UInt64, shared: RoutingShared = RoutingShared(), room: WaitingRoom? = nil) {
        self.shared = shared
        self.room = room ?? WaitingRoom(shared)
        requestIDs = RequestIDs(seed: seed)
        router = Router(seed: seed, shared: shared)
    }

    /// Takes up a catalogue; its models and clients have the same numbers in all that is given.
    ///
    /// - Parameter firewall: of this loop alone.
    package mutating func adopt(
        _ routes: RoutingTable, _ node: Node, admission: AdmissionTable = AdmissionTable(), access: AccessTable = AccessTable(),
        directory: ClientDirectory = ClientDirectory(), firewall: Firewall? = nil, audit: Audit? = nil,
        shares: ShareTable = ShareTable(), tracing: Tracing? = nil
    ) {
        sampler = Sampler(tracing)
        self.shares = shares
        table = SharedTable(routes)
        self.admission = admission
        self.access = access
        self.directory = directory
        self.firewall = firewall?.isEmpty == false ? firewall : nil
        sessionKeys = (0..<directory.count).map { admission.allowances.sessionKey(client: $0).map { SessionKey($0) } }
        self.audit.adopt(audit)
        if hasTokens { tokens.clear() }
        routesVersion += 1
        timeouts = node.timeouts
        maxBody = node.maxBody
        router.adopt(routes, now: now)
        ledger.adopt(routes, directory)
        adoptPolicies()
    }

    private static let tokensKept = 4096

    /// Remembers what a token was found to be; room for that is made only where tokens come.
    mutating func remember(_ key: TokenCache.Key, _ finding: TokenFinding) {
        if !hasTokens { (tokens, hasTokens) = (TokenCache(limit: Self.tokensKept), true) }
        tokens.insert(key, finding, epoch: epoch)
    }

    private mutating func adoptPolicies() {
        let all = (0..<routes.routeCount).map { routes.route($0) }
        plans = all.map { RoutePlan($0) }
        sessionHeaders = all.map { RoutePlan.sessionHeader($0.policy.strategy) }
        // One length has to do for all: requests that are alike further on are alike up to there, too.
        promptBytes = all.compactMap { Self.prefix($0.policy.strategy)?.bytes }.min() ?? 0
        governed = Array(repeating: false, count: routes.modelCount)
        let former = samples
        samples = [:]
        for index in 0..<routes.targetCount where routes.target(index).isGoverned {
            let target = routes.target(index)
            governed[target.model] = true
            if case .adaptive = target.maxInFlight { samples[target.number] = former[target.number] ?? Sample() }
        }
        targetModels = (0..<routes.targetCount).map { routes.target($0).model }
        targetTLS = (0..<routes.targetCount).map { index in routes.target(index).tls.map { number(of: $0) } ?? 0 }
    }

    private static func prefix(_ strategy: Strategy) -> PrefixPolicy? {
        guard case .prefixAffinity(let policy) = strategy else { return nil }
        return policy
    }

    private mutating func number(of terms: EndpointTLS) -> UInt16 {
        if let index = tlsTerms.firstIndex(of: terms) { return UInt16(index + 1) }
        // A number without terms: a connection under it can't be had.
        guard tlsTerms.count < Int(UInt16.max) - 1 else { return UInt16.max }
        tlsTerms.append(terms)
        return UInt16(tlsTerms.count)
    }

    /// The terms' number for a target of the table; 0: it is reached without TLS.
    func tls(ofTarget index: Int) -> UInt16 { targetTLS[index] }

    /// The model that governs requests to a target of the table.
    func model(ofTarget index: Int) -> Int { targetModels[index] }

    /// How long a connection may be idle, in milliseconds: while retiring, long enough for a client that asks again and
    /// again to be told of the end, rather than to find it.
    var keepAlive: Int { isRetiring ? min(timeouts.keepAlive, 5_000) : timeouts.keepAlive }

    func deadline(afterMilliseconds milliseconds: Int) -> UInt64 {
        now + UInt64(milliseconds) * 1_000_000
    }

    /// Whether the next request is one of those `percent` of 100 of which a copy is sent.
    mutating func takesMirror(_ percent: UInt8) -> Bool { percent >= 100 || nextRequestID() % 100 < UInt64(percent) }

    /// Picks an endpoint for a request of the client with this number; -1: it is none.
    mutating func pick(_ ask: borrowing RouteAsk, client: Int, _ operation: Operation) -> Pick {
        let table = table
        if access.isOpen, operation != .admin { return table.pick(&router, ask, now: now) }
        let pool = plans[ask.route].poolNumber
        let (access, epoch) = (access, epoch)
        return table.pick(&router, ask, now: now) {
            access.mayCall($0, client: client, through: pool, operation: operation, epoch: epoch) == .yes
        }
    }

    // MARK: - Slots

    private struct Sample {
        var batch = LatencyBatch()
        var since: UInt64 = 0
    }

    private static let samplePeriod: UInt64 = 100_000_000

    /// Requests for the model need slots.
    func isGoverned(_ model: Int) -> Bool { governed[model] }

    /// What came of wanting a slot.
    enum Taking { case unneeded, taken(HeldSlot), none }

    func takeSlot(_ target: Target, group: Int) -> Taking {
        guard target.isGoverned else { return .unneeded }
        switch shared.passage(target.number, target.slot) {
        case .full: return .none
        case .open: guard shared.takeFree(target.number, target.slot) else { return .none }
        case .reserved:
            guard room.pass(target.number, target.slot, group: group) else { return .none }
            shared.began(target.slot, group, isImmediate: true)
            return .taken(HeldSlot(model: target.slot, group: group, isBooked: true))
        }
        shared.began(target.slot, group, isImmediate: true)
        return .taken(HeldSlot(model: target.slot, group: group, isBooked: false))
    }

    /// Gives back what was taken for an attempt that never began.
    func release(_ slot: HeldSlot, of endpoint: EndpointNumber) {
        shared.ended(slot.model, Int(slot.group))
        let isAwaited = shared.release(endpoint, slot.model)
        if isAwaited || slot.isBooked { room.freed(slot.model, group: slot.isBooked ? Int(slot.group) : nil, now: now) }
    }

    /// Exactly once for each attempt that began.
    mutating func ended(_ attempt: Attempt, _ outcome: Outcome) {
        guard attempt.slot >= 0 else {
            router.ended(attempt, outcome, now: now)
            return
        }
        if !samples.isEmpty { sample(attempt, outcome) }
        let isAwaited = router.ended(attempt, outcome, now: now)
        if isAwaited || attempt.isBooked {
            room.freed(attempt.slot, group: attempt.isBooked ? Int(attempt.group) : nil, now: now)
        }
    }

    private mutating func sample(_ attempt: Attempt, _ outcome: Outcome) {
        guard var sample = samples[attempt.number] else { return }
        if sample.since == 0 { sample.since = now }
        sample.batch.mostInFlight = max(sample.batch.mostInFlight, UInt32(clamping: shared.inFlight(attempt.number)))
        switch outcome {
        case .success(let firstByte, let total):
            let time = attempt.isStream ? firstByte : total
            sample.batch.count += 1
            sample.batch.sum &+= time
            sample.batch.least = min(sample.batch.least, time)
        case .status(429, _, _), .status(503, _, _), .timedOut: sample.batch.failures += 1
        default: break
        }
        if now - min(now, sample.since) >= Self.samplePeriod {
            room.sample(attempt.number, attempt.slot, sample.batch, now: now)
            sample = Sample(since: now)
        }
        samples[attempt.number] = sample
    }

    /// Targets that a request may wait for, in order.
    func fullTargets(_ ask: RouteAsk, client: Int, _ operation: Operation) -> [Int] {
        router.fullTargets(ask, routes, now: now) { mayCall(model: $0, ask.route, client, operation) }
    }

    /// The target with an endpoint for which a slot was granted; nil: it can't be used now.
    func granted(
        _ number: EndpointNumber, _ ask: RouteAsk, client: Int, _ operation: Operation
    ) -> (target: Int, isTrial: Bool)? {
        router.granted(number, ask, routes, now: now) { mayCall(model: $0, ask.route, client, operation) }
    }

    private func mayCall(model: Int, _ route: Int, _ client: Int, _ operation: Operation) -> Bool {
        if access.isOpen, operation != .admin { return true }
        return access.mayCall(model, client: client, through: plans[route].poolNumber, operation: operation, epoch: epoch) == .yes
    }

    // MARK: - Access

    /// Whether the client may do this with one of the route's models.
    func mayCall(_ route: Int, client: Int, _ operation: Operation) -> Bool {
        if access.isOpen, operation != .admin { return true }
        let pool = plans[route].poolNumber
        return routes.route(route).models.contains {
            access.mayCall($0, client: client, through: pool, operation: operation, epoch: epoch) == .yes
        }
    }

    /// Whether the route belongs in a list of what the client may call.
    func mayList(_ route: Int, client: Int) -> Bool {
        if access.isOpen { return true }
        let pool = plans[route].poolNumber
        return routes.route(route).models.contains { access.mayList($0, client: client, through: pool, epoch: epoch) }
    }

    /// The name of the rule that closes the route to the client; empty: none that has a name.
    func closingRule(_ route: Int, client: Int, _ operation: Operation) -> String {
        let pool = plans[route].poolNumber
        for model in routes.route(route).models {
            let answer = access.mayCall(model, client: client, through: pool, operation: operation, epoch: epoch)
            if case .no(let rule) = answer, rule >= 0 { return access.ruleName(rule) }
        }
        return ""
    }

    /// What makes a session of the client's, where its sessions are limited.
    func sessionKey(client: Int) -> SessionKey? { sessionKeys.indices.contains(client) ? sessionKeys[client] : nil }

    mutating func nextRequestID() -> UInt64 { requestIDs.next() }
}
