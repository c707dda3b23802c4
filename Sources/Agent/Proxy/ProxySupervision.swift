/// Decides when a proxy is started, waited for, replaced, killed or started again: a state machine without processes or
/// clocks.
///
/// The proxy's cgroup holds nothing but the proxy, so "alive" means that the cgroup is populated, whoever started it. A
/// proxy that is being replaced, and one that has been, is set aside in a cgroup of its own.
struct ProxySupervision: Sendable {
    typealias Instant = ContinuousClock.Instant

    enum Phase: Hashable, Sendable {
        /// Nothing to do: somebody else starts the proxy, or this one has ended for good.
        case passive
        /// A proxy of an earlier agent runs and is expected to connect.
        case adopting(until: Instant)
        /// Started by us and not connected yet.
        case starting(since: Instant)
        /// Connected.
        case running(since: Instant)
        /// Alive, but its link is down; it reconnects by itself.
        case unlinked(since: Instant, until: Instant)
        /// Connected, and asked for its listeners, since another one is to take its place.
        case handingOver(since: Instant, until: Instant)
        /// Set aside and serving on, while the next one, started by us, gets ready.
        case replacing(since: Instant, until: Instant)
        /// It is of another version and serves on as it is, since no other one gets ready; that is tried again.
        case holding(since: Instant, until: Instant)
        /// Told to go (another version, or wedged); killed at the deadline.
        case evicting(until: Instant)
        case backingOff(until: Instant)
        /// Told to stop for good.
        case stopping
    }

    enum Action: Hashable, Sendable {
        case spawn
        /// Everything in the proxy's cgroup.
        case kill
        /// Ask the connected proxy to end.
        case requestStop
        /// Ask the connected proxy for its listeners.
        case requestListeners
        /// Put the proxy into a cgroup of its own, where it serves on.
        case setAside
        /// Give the next proxy its configuration and the listeners.
        case welcomeNext
        /// The next one accepts: it is the proxy now, and the one before it is told to retire.
        case retireFormer
        /// Kill the next one, and put the proxy back into its place.
        case bringBack
    }

    /// How long an agent waits for the proxy of the one before it.
    static let adoptionWait = Duration.milliseconds(1500)
    /// How long a proxy may take to connect after its start, and to come back after its link broke.
    static let connectWait = Duration.seconds(10)
    /// How long a proxy may take to end when it is stopped.
    static let evictionWait = Duration.seconds(5)
    /// How long a proxy may take to hand over its listeners.
    static let handOverWait = Duration.seconds(3)
    /// How long the next one may take from its hello until it accepts.
    static let readyWait = Duration.seconds(10)

    private(set) var phase = Phase.passive
    private(set) var restarts: UInt64 = 0
    private var started = false
    private var backoff = Backoff()
    /// Of the tries to replace one of another version.
    private var patience = Backoff(first: .seconds(1), last: .seconds(60), goodRun: .seconds(3600))
    /// The proxy is none that we can work with: it serves until it is replaced.
    private var isMisfit = false
    private let spawns: Bool

    /// - Parameter spawns: whether this agent starts the proxy (`node.proxy: spawn`).
    init(spawns: Bool) { self.spawns = spawns }

    /// When `tick` has something to do; nil: not before an event.
    var deadline: Instant? {
        switch phase {
        case .passive, .running, .stopping: nil
        case .adopting(let until), .evicting(let until), .backingOff(let until), .unlinked(_, let until),
            .handingOver(_, let until), .replacing(_, let until), .holding(_, let until):
            until
        case .starting(let since): since + Self.connectWait
        }
    }

    /// Whether another one is on its way to take the proxy's place.
    var isReplacing: Bool {
        switch phase {
        case .handingOver, .replacing: true
        default: false
        }
    }

    /// Whether a proxy that does not fit stays where it is for now.
    var keepsMisfit: Bool {
        if case .holding = phase { return true }
        return isReplacing
    }

    /// The first decision. `alive`: an earlier agent's proxy runs.
    mutating func begin(alive: Bool, now: Instant) -> [Action] {
        guard spawns else { return [] }
        if alive {
            phase = .adopting(until: now + Self.adoptionWait)
            return []
        }
        return spawn(now)
    }

    /// The proxy said hello.
    ///
    /// - Parameters:
    ///   - compatible: it speaks our version and ABI.
    ///   - handsOver: it can be replaced while it serves.
    mutating func connected(compatible: Bool, handsOver: Bool = false, now: Instant) -> [Action] {
        switch phase {
        case .stopping: return [.requestStop]
        // On its way out already: asked again, but not given more time.
        case .evicting: return compatible ? [] : [.requestStop]
        // The link broke, and with it what was asked for.
        case .handingOver: return [.requestListeners]
        case .replacing, .holding: return []
        default: break
        }
        isMisfit = !compatible
        let since = runningSince ?? now
        guard compatible else { return handsOver ? handOver(since, now) : evict(now) }
        started = true
        phase = .running(since: since)
        return []
    }

    /// Somebody wants the proxy to be replaced. False: it can't be now.
    mutating func replace(now: Instant) -> [Action] {
        guard spawns, case .running(let since) = phase else { return [] }
        return handOver(since, now)
    }

    /// What came of asking for the listeners.
    mutating func handedOver(_ succeeded: Bool, now: Instant) -> [Action] {
        guard case .handingOver(let since, _) = phase else { return [] }
        guard succeeded else {
            // Nothing has been done yet. One that can't stay is replaced without its listeners.
            if isMisfit { return evict(now) }
            phase = .running(since: since)
            return []
        }
        phase = .replacing(since: since, until: now + Self.connectWait)
        return [.setAside, .spawn]
    }

    /// The one that is to take the proxy's place said hello.
    mutating func nextConnected(compatible: Bool, now: Instant) -> [Action] {
        guard case .replacing(let since, _) = phase else { return [] }
        guard compatible else { return nextFailed(now: now) }
        phase = .replacing(since: since, until: now + Self.readyWait)
        return [.welcomeNext]
    }

    /// The next one accepts.
    mutating func nextReady(now: Instant) -> [Action] {
        guard case .replacing = phase else { return [] }
        phase = .running(since: now)
        isMisfit = false
        started = true
        return [.retireFormer]
    }

    /// The next one ended, could not be started, lost its link, or turned the configuration down.
    mutating func nextFailed(now: Instant) -> [Action] {
        guard case .replacing(let since, _) = phase else { return [] }
        if isMisfit {
            phase = .holding(since: since, until: now + patience.wait(afterRunning: .zero))
        } else {
            phase = .running(since: since)
        }
        return [.bringBack]
    }

    /// The link broke; whether the proxy lives will show.
    mutating func disconnected(now: Instant) -> [Action] {
        guard case .running(let since) = phase else { return [] }
        phase = spawns ? .unlinked(since: since, until: now + Self.connectWait) : .passive
        return []
    }

    /// The proxy's process ended, or could not be started.
    mutating func exited(now: Instant) -> [Action] {
        switch phase {
        case .passive, .stopping, .backingOff: return []
        case .adopting, .evicting: return spawn(now)
        // Nobody can be brought back: all depends on the next one.
        case .replacing(_, let until):
            phase = .starting(since: until - Self.connectWait)
            isMisfit = false
            started = true
            return []
        case .starting(let since), .running(let since), .unlinked(let since, _), .handingOver(let since, _),
            .holding(let since, _):
            guard spawns else {
                phase = .passive
                return []
            }
            isMisfit = false
            phase = .backingOff(until: now + backoff.wait(afterRunning: now - since))
            return []
        }
    }

    /// The deadline has come. `alive`: a process is in the proxy's cgroup.
    mutating func tick(alive: Bool, now: Instant) -> [Action] {
        guard let deadline, now >= deadline else { return [] }
        switch phase {
        case .backingOff: return spawn(now)
        case .adopting, .evicting:
            guard alive else { return spawn(now) }
            phase = .evicting(until: now + Self.evictionWait)
            return [.kill]
        case .starting, .unlinked:
            phase = .evicting(until: now + Self.evictionWait)
            return [.kill]
        case .handingOver: return handedOver(false, now: now)
        case .replacing: return nextFailed(now: now)
        case .holding(let since, _): return handOver(since, now)
        case .passive, .running, .stopping: return []
        }
    }

    /// Ends the supervision: the proxy shall stop and stay away.
    mutating func stop() { phase = .stopping }

    private var runningSince: Instant? {
        guard case .unlinked(let since, _) = phase else { return nil }
        return since
    }

    private mutating func handOver(_ since: Instant, _ now: Instant) -> [Action] {
        guard spawns else { return [] }
        phase = .handingOver(since: since, until: now + Self.handOverWait)
        return [.requestListeners]
    }

    private mutating func evict(_ now: Instant) -> [Action] {
        guard spawns else { return [] }
        phase = .evicting(until: now + Self.evictionWait)
        return [.requestStop]
    }

    private mutating func spawn(_ now: Instant) -> [Action] {
        phase = .starting(since: now)
        isMisfit = false
        if started { restarts += 1 }
        started = true
        return [.spawn]
    }
}
