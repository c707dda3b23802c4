internal import Catalog
internal import Control
internal import Logging
internal import ServiceLifecycle
internal import Synchronization

/// Starts, watches and stops the servers of endpoints on demand: carries out what `EngineMachine` decides. It also reads how
/// busy engines say that they are.
final class EngineKeeper: Service {
    /// Whoever is told. Called under a lock, so that nobody hears of two changes in the wrong order.
    struct Audience: Sendable {
        var standings: @Sendable ([EndpointKey: EngineStanding]) -> Void
        var loads: @Sendable ([EndpointKey: LoadReading]) -> Void
        var event: @Sendable (EventReport) -> Void
    }

    struct State {
        var machine = EngineMachine()
        /// By URL.
        var specs: [String: EngineSpec] = [:]
        var runs: [String: EngineRun] = [:]
        var lastRun: UInt64 = 0
        var logs: [String: EngineLogBook] = [:]
        var loads = LoadBook()
        var metrics: [(errand: Errand, plan: InquiryPlan)] = []
        /// Engines whose pages cannot be used: said once.
        var mute: Set<String> = []
        var told: [EndpointKey: EngineStanding] = [:]
        var toldLoads: [EndpointKey: LoadReading] = [:]
        /// Until when a server is left alone, by both clocks.
        var retries: [String: (until: UInt64, epoch: UInt64)] = [:]
        /// Of servers that are no processes of ours: questions in a row without an answer.
        var strikes: [String: Int] = [:]
        /// Servers of which it is not known whether they run.
        var unknown: Set<String> = []
        var watched: [Errand: InquiryPlan] = [:]
        /// Who wanted the last change by hand.
        var orders: [String: UInt32] = [:]
        var notes = EngineNotes()
        /// When what servers wrote was written down.
        var saved: UInt64 = 0
        var hasLooked = false
        var hasLeft = false
        /// Proxies, and when one was last there.
        var proxies: [ObjectIdentifier: ProxyConnection] = [:]
        var linked: UInt64
        /// When requests under way were asked for last; and that this is under way.
        var asked: UInt64 = 0
        var isAsking = false
    }

    /// Questions in a row without an answer after which a server that is no process of ours has gone.
    static let strikeLimit = 3
    /// So long requests are taken to be under way though no proxy is there: it may come back.
    static let absence: UInt64 = 10_000_000_000

    let place: EnginePlace
    let hooks: EngineHooks
    let audience: Audience
    let logger: Logger
    let state: Mutex<State>
    /// What proxies answered last, until the next `tick`.
    let answers = Mutex<Answer?>(nil)
    /// Rung when the time until the next `tick` may be too long.
    private let bell = Wake()
    /// Set once, at the end of `init`.
    private let inquiries: EngineInquiries

    init(place: EnginePlace, hooks: EngineHooks = EngineHooks(), audience: Audience, logger: Logger) {
        self.place = place
        self.hooks = hooks
        self.audience = audience
        self.logger = logger
        state = Mutex(State(linked: Clocks.monotonic()))
        inquiries = EngineInquiries(logger: logger)
        inquiries.heard { [weak self] in self?.heard($0, $1) }
    }

    /// From now on these are the endpoints.
    ///
    /// - Parameter catalog: with names resolved.
    func adopt(_ catalog: Catalog) {
        let specs = catalog.engineSpecs
        let metrics = catalog.metricsErrands
        update { state, now in
            let former = state.specs
            state.specs = Dictionary(uniqueKeysWithValues: specs.map { ($0.url, $0) })
            // What a server wrote stays readable while it ends.
            state.logs = state.logs.filter { state.specs[$0.key] != nil || state.runs[$0.key] != nil }
            if state.hasLooked { place.removeLogs(except: Set(state.logs.keys)) }
            state.loads.adopt(
                Dictionary(
                    metrics.compactMap { errand, _, stale in
                        errand.address.map { (EndpointKey(url: errand.url, address: $0), stale) }
                    }
                ) { first, _ in first })
            state.metrics = metrics.map { ($0.errand, $0.plan) }
            var actions = state.machine.adopt(state.specs.mapValues(\.terms), now: now)
            if !state.hasLooked {
                state.hasLooked = true
                actions += takeOver(&state, now)
            }
            for spec in specs
            where spec.activation.method.program == nil && former[spec.url] == nil && state.runs[spec.url] == nil {
                state.unknown.insert(spec.url)
            }
            return actions + outdated(&state, now)
        }
    }

    /// Requests wait for these at a proxy.
    func want(_ keys: [EndpointKey]) {
        update { state, now in state.machine.want(Set(keys.map(\.url)), now: now) }
    }

    func linked(_ connection: ProxyConnection) {
        state.withLock { state in
            state.proxies[ObjectIdentifier(connection)] = connection
            state.linked = Clocks.monotonic()
        }
    }

    func unlinked(_ connection: ProxyConnection) {
        state.withLock { state in
            state.proxies[ObjectIdentifier(connection)] = nil
            state.linked = Clocks.monotonic()
        }
    }

    func run() async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { [inquiries] in try await inquiries.run() }
            try BackgroundThread.start("engine keeper") { self.keepTime() }
            try? await gracefulShutdown()
            await BackgroundThread.run("engine farewell") { self.leave() }
            group.cancelAll()
            try await group.waitForAll()
        }
    }

    private func keepTime() {
        while let period = state.withLock({ $0.hasLeft ? nil : $0.machine.tickPeriod }) {
            bell.wait(until: Clocks.monotonic() + period)
            tick()
            if state.withLock({ !$0.hasLeft && Clocks.monotonic() >= $0.saved + Self.savePeriod }) { saveLogs() }
        }
    }

    func ring() { bell.signal() }

    /// Looks whose time has come. Blocks while servers are started.
    func tick() {
        let answer = answers.withLock { answer in
            defer { answer = nil }
            return answer
        }
        update { state, now in
            var actions: [EngineAction] = []
            if let answer {
                state.isAsking = false
                // One that does not answer may have anything under way.
                if let figures = answer.figures { actions = state.machine.take(figures, asked: answer.asked, now: now) }
            }
            return actions + state.machine.tick(now)
        }
        askProxies()
    }

    /// The agent ends, the servers go on.
    private func leave() {
        let outputs = state.withLock { state in
            let outputs = state.hasLeft ? [] : state.runs.values.compactMap { $0.process?.output }
            state.hasLeft = true
            for output in outputs { output.leave() }
            return outputs
        }
        for output in outputs { output.settle(within: 200) }
        if File.exists(place.directory) { saveLogs() }
        ring()
    }

    /// Changes something and carries out what follows from it. Blocks while servers are started.
    func update(_ change: (inout State, UInt64) -> [EngineAction]) {
        let isSooner = state.withLock { state in
            guard !state.hasLeft else { return false }
            let now = Clocks.monotonic()
            let period = state.machine.tickPeriod
            perform(change(&state, now), &state, now)
            tell(&state, now)
            return state.machine.tickPeriod < period
        }
        if isSooner { ring() }
    }

    /// Servers that run by what is no longer in force.
    private func outdated(_ state: inout State, _ now: UInt64) -> [EngineAction] {
        var actions: [EngineAction] = []
        for (url, run) in state.runs {
            guard let method = state.specs[url]?.activation.method else { continue }
            // One that was taken over is known by its program's fingerprint alone.
            let isSame =
                run.process.map { $0.fingerprint == method.program?.fingerprint } ?? (method == run.activation.method)
            if !isSame { actions += state.machine.outdate(url, now: now) }
        }
        return actions
    }

    /// Brings everybody up to date.
    private func tell(_ state: inout State, _ now: UInt64) {
        let standings = standings(&state, now)
        if standings != state.told {
            state.told = standings
            audience.standings(standings)
        }
        let loads = state.loads.loads(now: now)
        if loads != state.toldLoads {
            state.toldLoads = loads
            audience.loads(loads)
        }
        let errands = errands(state, now)
        let wanted = Dictionary(errands.map { ($0.errand, $0.plan) }) { first, _ in first }
        if wanted != state.watched {
            state.watched = wanted
            inquiries.watch(errands)
        }
        note(&state)
    }

    private func standings(_ state: inout State, _ now: UInt64) -> [EndpointKey: EngineStanding] {
        var standings: [EndpointKey: EngineStanding] = [:]
        for (url, spec) in state.specs {
            let (phase, retry) = state.machine.phase(of: url)
            var standing = EngineStanding(phase: phase)
            if let retry {
                standing.retryAt = epoch(of: retry, of: url, &state, now)
            }
            for key in spec.keys { standings[key] = standing }
        }
        return standings
    }

    /// When a server is tried again, by the wall clock: the same whenever it is asked for, unless that has been set meanwhile.
    private func epoch(of retry: UInt64, of url: String, _ state: inout State, _ now: UInt64) -> UInt64 {
        let epoch = Clocks.epochMilliseconds() + (retry > now ? (retry - now) / 1_000_000 : 0)
        if let known = state.retries[url], known.until == retry, (epoch..<epoch + 2000).contains(known.epoch + 1000) {
            return known.epoch
        }
        state.retries[url] = (retry, epoch)
        return epoch
    }
}
