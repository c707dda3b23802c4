internal import Control
internal import Logging
internal import ServiceLifecycle

extension EventReport.Kind {
    /// A process asked to be the proxy and was turned away.
    static let proxyRefused = EventReport.Kind(rawValue: "proxy-refused")
}

/// Starts, watches and replaces the proxy: carries out what `ProxySupervision` decides.
actor ProxySupervisor: Service {
    /// What it needs of the rest of the agent.
    struct Surroundings: Sendable {
        var hub: EventHub
        var state: StateFile
        var logger: Logger
        /// Of the host's network namespace, in which listeners are.
        var netnsCookie: UInt64 = 0
        /// How long a proxy that has been replaced may drain, until a configuration says otherwise.
        var drain = Duration.seconds(300)
        /// A proxy that fits has connected and wants its configuration.
        var connected: @Sendable (ProxyConnection, Welcome) -> Void
    }

    /// How a proxy is to be welcomed.
    struct Welcome: Sendable {
        /// The listeners of the one before it.
        var handed: HandedSockets?
        /// It is to take the place of one that serves: whoever welcomes it says with `settled` what came of it.
        var isNext = false
    }

    enum Input: Sendable {
        case linked(ProxyConnection)
        case unlinked(ProxyConnection)
        case ended(Int32, String)
        case deadline
        case handedOver(ProxyConnection?, Result<HandedSockets, AgentError>)
        case settled(ProxyConnection, ProxyConnection.Outcome, drain: Duration)
        case replace(UInt64)
    }

    /// One that is to take the proxy's place.
    struct Next {
        var pid: Int32
        var connection: ProxyConnection?
    }

    /// nil: somebody else starts the proxy.
    let program: ProxyProgram?
    let surroundings: Surroundings
    private let inputs: AsyncStream<Input>
    let feed: AsyncStream<Input>.Continuation
    var supervision: ProxySupervision
    private var timer: Task<Void, Never>?
    var connection: ProxyConnection?
    var pid: Int32?
    var watched: Set<Int32> = []
    var spawned: Int32?
    /// The last proxy that an event told of, and whether it was running before this agent.
    var announced: Int32?
    var adopted = false
    /// The last that was turned away.
    var refused: Int32?
    var lastExit: String?
    /// Until it is known which of the proxies found at the start is the proxy: those that have said hello.
    var round: (adoption: AdoptionRound, heard: [ProxyConnection])?
    /// The proxy's link where it is to be replaced, also of one that is not ours to work with.
    var former: ProxyConnection?
    /// The proxy has been set aside, and serves on.
    var isAside = false
    var next: Next?
    /// The listeners on their way to the next one.
    var handed: HandedSockets?
    /// The proxy's link is new, and its configuration has to wait until it is known whether it stays.
    var isWelcomePut = false
    var replacementBegan = ContinuousClock.now
    var replacementFault = ""
    var lastReplacement: ReplacementReport?
    let replacements = ReplyTable<UInt64, Result<ReplacementReport, AgentError>>()
    var waiting: Set<UInt64> = []
    private var nextReplacement: UInt64 = 1
    var drains = DrainBook()
    var drainLinks: [Int32: ProxyConnection] = [:]
    /// Those that have ended, and how, whose links have not.
    var departed: [Int32: String] = [:]
    var drainCount: UInt64 = 0
    /// What those have counted that have ended while no proxy was there to add it to its own.
    var uncarried: ProxyTotals?
    var drain: Duration
    var logger: Logger { surroundings.logger }

    init(program: ProxyProgram?, surroundings: Surroundings) {
        self.program = program
        self.surroundings = surroundings
        drain = surroundings.drain
        supervision = ProxySupervision(spawns: program != nil)
        (inputs, feed) = AsyncStream.makeStream(of: Input.self)
    }

    /// From the link's threads: a process that may be the proxy said hello.
    nonisolated func linked(_ connection: ProxyConnection) { feed.yield(.linked(connection)) }
    nonisolated func unlinked(_ connection: ProxyConnection) { feed.yield(.unlinked(connection)) }

    /// What came of welcoming the next one, and how long the one before it may drain.
    nonisolated func settled(_ connection: ProxyConnection, _ outcome: ProxyConnection.Outcome, drain: Duration) {
        feed.yield(.settled(connection, outcome, drain: drain))
    }

    /// Replaces the proxy by a new one, and waits until that serves, or has been given up.
    func replace() async throws(AgentError) -> ReplacementReport {
        let id = nextReplacement
        nextReplacement += 1
        let limit = ProxySupervision.handOverWait + ProxySupervision.connectWait + ProxySupervision.readyWait + .seconds(5)
        let answer = await replacements.wait(for: id, atMost: limit) { feed.yield(.replace(id)) }
        waiting.remove(id)
        guard let answer else { throw AgentError("the agent is about to end") }
        return try answer.get()
    }

    func run() async throws {
        await begin()
        for await input in inputs.cancelOnGracefulShutdown() { await take(input) }
        timer?.cancel()
        replacements.close()
    }

    /// How the proxy is doing now.
    var status: ProxyStatus {
        let state: StatusReport.Proxy.State =
            switch supervision.phase {
            case .running, .unlinked, .handingOver, .replacing, .holding: .running
            case .adopting, .starting: .starting
            case .backingOff: .backoff
            case .evicting: .stopping
            case .stopping: connection == nil ? .stopped : .stopping
            case .passive: .stopped
            }
        let now = ContinuousClock.now
        let draining = drains.entries.map { entry in
            ProxyStatus.Draining(
                pid: entry.pid, left: max(.zero, entry.until - now), connection: drainLinks[entry.pid])
        }
        return ProxyStatus(
            state: state, pid: pid, adopted: pid != nil && adopted, restarts: supervision.restarts, lastExit: lastExit,
            connection: connection, draining: draining, drainCount: drainCount, lastReplacement: lastReplacement)
    }

    /// Stops all proxies for good: asks them, waits up to `limit`, and kills what is left in their cgroups.
    func retire(limit: Duration) async {
        supervision.stop()
        timer?.cancel()
        let all = [connection, next?.connection, former].compactMap(\.self) + drainLinks.values
        for connection in all { connection.stop(deadline: limit) }
        if let program {
            if await !CgroupVacancy.wait([program.cgroup] + program.places, atMost: limit) {
                program.killAllAside()
                await kill(program)
            }
            _ = await CgroupVacancy.wait(program.places, atMost: .seconds(2))
            program.clearPlaces()
        } else if let connection {
            await connection.end(atMost: limit)
        }
    }

    private func take(_ input: Input) async {
        switch input {
        case .linked(let connection): await link(connection)
        case .unlinked(let connection): await unlink(connection)
        case .ended(let pid, let how): await end(pid, how)
        case .handedOver(let connection, let result): await take(handedOver: result, from: connection)
        case .settled(let connection, let outcome, let drain): await settle(connection, outcome, drain)
        case .replace(let id): await replace(id)
        case .deadline: await tick()
        }
        arm()
    }

    private func tick() async {
        if round != nil, supervision.deadline.map({ .now >= $0 }) == true { return await concludeAdoption(isLate: true) }
        for pid in drains.overdue(now: .now) { killDraining(pid, "it did not end at its deadline") }
        let alive = !(program?.processes.isEmpty ?? true)
        if case .replacing = supervision.phase { replacementFault = "the new one did not get ready in time" }
        if case .handingOver = supervision.phase, supervision.deadline.map({ .now >= $0 }) == true {
            return await take(handedOver: .failure(AgentError("it does not hand its listeners over")), from: former)
        }
        await perform(supervision.tick(alive: alive, now: .now))
    }

    private func end(_ ended: Int32, _ how: String) async {
        watched.remove(ended)
        if round != nil {
            round?.adoption.ended(ended)
            return await concludeAdoption(isLate: false)
        }
        if drains.contains(ended) { return finishDraining(ended, how) }
        if let next, next.pid == ended { return await lose(next, "the new one ended by \(how)") }
        // One that was turned away, or one whose end has been dealt with, may show up late.
        guard ended == pid || pid == nil && supervision.phase.isEvicting else { return }
        await forget(how)
        abandonReplacement(how)
        await perform(supervision.exited(now: .now))
        promoteNext()
    }

    /// The proxy is no more.
    func forget(_ how: String) async {
        lastExit = how
        connection?.finish()
        connection = nil
        former = nil
        isAside = false
        isWelcomePut = false
        program?.clearPlaces()
        guard let gone = pid else { return }
        pid = nil
        surroundings.state.update { $0.proxyPid = nil }
        logger.warning("the proxy ended", metadata: ["pid": "\(gone)", "how": "\(how)"])
        publish(.proxyExited, gone, how)
    }

    func perform(_ actions: [ProxySupervision.Action]) async {
        for action in actions {
            switch action {
            case .spawn: if let program { await spawn(program) }
            case .requestStop: former?.stop(deadline: ProxySupervision.evictionWait)
            case .requestListeners: requestListeners()
            case .setAside: guard await setAside() else { return }
            case .welcomeNext: welcomeNext()
            case .retireFormer: retireFormer()
            case .bringBack: await bringBack()
            case .kill: if let program { await killAll(program) }
            }
        }
        arm()
    }

    private func arm() {
        timer?.cancel()
        guard let deadline = [supervision.deadline, drains.deadline].compactMap(\.self).min() else { return }
        timer = Task { [feed] in
            do { try await Task.sleep(until: deadline) } catch { return }
            feed.yield(.deadline)
        }
    }

    func publish(_ kind: EventReport.Kind, _ pid: Int32, _ detail: String?) {
        surroundings.hub.publish(
            EventReport(time: Timestamp.now(), kind: kind, pid: UInt32(truncatingIfNeeded: pid), detail: detail))
    }
}

extension ProxySupervision.Phase {
    fileprivate var isEvicting: Bool {
        if case .evicting = self { return true }
        return false
    }
}
