/// Decides when a proxy is started, waited for, killed or started again: a state machine without processes or clocks.
///
/// The proxy's cgroup holds nothing but the proxy, so "alive" means that the cgroup is populated, whoever started it.
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
    }

    /// How long an agent waits for the proxy of the one before it.
    static let adoptionWait = Duration.milliseconds(1500)
    /// How long a proxy may take to connect after its start, and to come back after its link broke.
    static let connectWait = Duration.seconds(10)
    /// How long a proxy may take to end when it is replaced.
    static let evictionWait = Duration.seconds(5)

    private(set) var phase = Phase.passive
    private(set) var restarts: UInt64 = 0
    private var started = false
    private var backoff = Backoff()
    private let spawns: Bool

    /// - Parameter spawns: whether this agent starts the proxy (`node.proxy: spawn`).
    init(spawns: Bool) { self.spawns = spawns }

    /// When `tick` has something to do; nil: not before an event.
    var deadline: Instant? {
        switch phase {
        case .passive, .running, .stopping: nil
        case .adopting(let until), .evicting(let until), .backingOff(let until), .unlinked(_, let until): until
        case .starting(let since): since + Self.connectWait
        }
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

    /// A proxy said hello. `compatible`: it speaks our version and ABI.
    mutating func connected(compatible: Bool, now: Instant) -> [Action] {
        switch phase {
        case .stopping: return [.requestStop]
        // On its way out already: asked again, but not given more time.
        case .evicting: return compatible ? [] : [.requestStop]
        default: break
        }
        guard compatible else { return evict(now) }
        started = true
        if case .unlinked(let since, _) = phase {
            phase = .running(since: since)
        } else {
            phase = .running(since: now)
        }
        return []
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
        case .starting(let since), .running(let since), .unlinked(let since, _):
            guard spawns else {
                phase = .passive
                return []
            }
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
        case .passive, .running, .stopping: return []
        }
    }

    /// Ends the supervision: the proxy shall stop and stay away.
    mutating func stop() { phase = .stopping }

    private mutating func evict(_ now: Instant) -> [Action] {
        guard spawns else { return [] }
        phase = .evicting(until: now + Self.evictionWait)
        return [.requestStop]
    }

    private mutating func spawn(_ now: Instant) -> [Action] {
        phase = .starting(since: now)
        if started { restarts += 1 }
        started = true
        return [.spawn]
    }
}
