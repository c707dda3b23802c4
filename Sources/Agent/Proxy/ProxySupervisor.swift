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
        /// A proxy that fits has connected and wants its configuration.
        var connected: @Sendable (ProxyConnection) -> Void
    }

    private enum Input: Sendable {
        case linked(ProxyConnection)
        case unlinked(ProxyConnection)
        case ended(Int32, String)
        case deadline
    }

    /// nil: somebody else starts the proxy.
    private let program: ProxyProgram?
    let surroundings: Surroundings
    private let inputs: AsyncStream<Input>
    private let feed: AsyncStream<Input>.Continuation
    var supervision: ProxySupervision
    private var timer: Task<Void, Never>?
    var connection: ProxyConnection?
    var pid: Int32?
    private var watched: Set<Int32> = []
    var spawned: Int32?
    /// The last proxy that an event told of, and whether it was running before this agent.
    var announced: Int32?
    var adopted = false
    /// The last that was turned away.
    var refused: Int32?
    private var lastExit: String?
    var logger: Logger { surroundings.logger }

    init(program: ProxyProgram?, surroundings: Surroundings) {
        self.program = program
        self.surroundings = surroundings
        supervision = ProxySupervision(spawns: program != nil)
        (inputs, feed) = AsyncStream.makeStream(of: Input.self)
    }

    /// From the link's threads: a process that may be the proxy said hello.
    nonisolated func linked(_ connection: ProxyConnection) { feed.yield(.linked(connection)) }
    nonisolated func unlinked(_ connection: ProxyConnection) { feed.yield(.unlinked(connection)) }

    func run() async throws {
        let alive = !(program?.processes.isEmpty ?? true)
        await perform(supervision.begin(alive: alive, now: .now))
        for await input in inputs.cancelOnGracefulShutdown() { await take(input) }
        timer?.cancel()
    }

    /// How the proxy is doing now.
    var status: ProxyStatus {
        let state: StatusReport.Proxy.State =
            switch supervision.phase {
            case .running, .unlinked: .running
            case .adopting, .starting: .starting
            case .backingOff: .backoff
            case .evicting: .stopping
            case .stopping: connection == nil ? .stopped : .stopping
            case .passive: .stopped
            }
        return ProxyStatus(
            state: state, pid: pid, adopted: pid != nil && adopted, restarts: supervision.restarts, lastExit: lastExit,
            connection: connection)
    }

    /// Stops the proxy for good: asks it, waits up to `limit`, and kills what is left in its cgroup.
    func retire(limit: Duration) async {
        supervision.stop()
        timer?.cancel()
        connection?.stop(deadline: limit)
        if let program {
            if await !isEmpty(program, within: limit) { await kill(program) }
        } else if let connection {
            _ = await holds(within: limit) { !connection.isOpen }
        }
    }

    private func take(_ input: Input) async {
        switch input {
        case .linked(let connection): await link(connection)
        case .unlinked(let connection): await unlink(connection)
        case .ended(let pid, let how): await end(pid, how)
        case .deadline:
            let alive = !(program?.processes.isEmpty ?? true)
            await perform(supervision.tick(alive: alive, now: .now))
        }
        arm()
    }

    private func end(_ ended: Int32, _ how: String) async {
        watched.remove(ended)
        // One that was turned away, or one whose end has been dealt with, may show up late.
        guard ended == pid || pid == nil && supervision.phase.isEvicting else { return }
        await forget(how)
        await perform(supervision.exited(now: .now))
    }

    /// The proxy is no more.
    private func forget(_ how: String) async {
        lastExit = how
        connection?.finish()
        connection = nil
        guard let gone = pid else { return }
        pid = nil
        surroundings.state.update { $0.proxyPid = nil }
        logger.warning("the proxy ended", metadata: ["pid": "\(gone)", "how": "\(how)"])
        publish(.proxyExited, gone, how)
    }

    func perform(_ actions: [ProxySupervision.Action]) async {
        guard let program else { return arm() }
        for action in actions {
            switch action {
            case .spawn: await spawn(program)
            case .requestStop: break
            case .kill:
                logger.warning("killing the proxy: it does not answer", metadata: ["pids": "\(program.processes)"])
                await kill(program)
                await forget("killed: it did not answer")
                await perform(supervision.exited(now: .now))
            }
        }
        arm()
    }

    private func spawn(_ program: ProxyProgram) async {
        // Whatever is still in the cgroup is none that we know: two proxies must not share the listeners' slots.
        if !program.processes.isEmpty { await kill(program) }
        do {
            let pid = try program.spawn()
            self.pid = pid
            spawned = pid
            surroundings.state.update { $0.proxyPid = pid }
            logger.info("started the proxy", metadata: ["pid": "\(pid)"])
            watch(pid)
        } catch {
            logger.error("cannot start the proxy", metadata: ["reason": "\(error)"])
            lastExit = "\(error)"
            await perform(supervision.exited(now: .now))
        }
    }

    private func kill(_ program: ProxyProgram) async {
        do {
            try program.kill()
        } catch {
            logger.error("cannot kill the proxy", metadata: ["reason": "\(error)"])
        }
        if await !isEmpty(program, within: .seconds(2)) { logger.error("processes stay in the proxy's cgroup") }
    }

    private func isEmpty(_ program: ProxyProgram, within limit: Duration) async -> Bool {
        await holds(within: limit) { program.processes.isEmpty }
    }

    private func holds(within limit: Duration, _ condition: () -> Bool) async -> Bool {
        let deadline = ContinuousClock.now + limit
        while !condition() {
            guard ContinuousClock.now < deadline else { return false }
            try? await Task.sleep(for: .milliseconds(10))
        }
        return true
    }

    func watch(_ pid: Int32) {
        guard watched.insert(pid).inserted else { return }
        do {
            try ProcessWatch.start(pid) { [feed] how in feed.yield(.ended(pid, how)) }
        } catch {
            feed.yield(.ended(pid, "\(error)"))
        }
    }

    private func arm() {
        timer?.cancel()
        guard let deadline = supervision.deadline else { return }
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
