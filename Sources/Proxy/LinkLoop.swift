import CBrokerABI
import CLinux
import Catalog
import Control
import Glibc
import Reactor

/// The link to the agent: connects, and connects again when the agent goes away; passes configurations and questions to
/// the event loops and their answers back. It owns the listeners' life; the data path does not wait for it.
struct LinkLoop: ~Copyable {
    private let runDirectory: String
    private let outbox: Outbox
    private let stop: StopSignal
    private let watch: Descriptor
    private var socket: LinkSocket?
    private var loops: LoopGroup
    private var stopDeadline: UInt64?
    /// Another proxy has the listeners.
    private var isRetiring = false
    /// Nothing is left to do but to say what was counted: until when an agent is waited for, and how much is yet to be said to
    /// the one that is there.
    private var farewell: (deadline: UInt64, missing: Int?)?
    private var hasStarted = false
    private var hasComplained = false
    /// Before this the agent is not asked again.
    private var resting: UInt64 = 0

    init(runDirectory: String, outbox: Outbox, stop: consuming StopSignal) throws(SystemError) {
        let loops = try LoopGroup(outbox)
        let number = clinux_watch_directory(runDirectory)
        guard number >= 0 else { throw SystemError("inotify", -number) }
        self.runDirectory = runDirectory
        self.outbox = outbox
        self.stop = stop
        socket = nil
        watch = Descriptor(owning: number)
        self.loops = loops
    }

    consuming func run() -> Never {
        while true {
            if socket == nil { connect() }
            wait()
            if let stopDeadline, loops.isDrained || MonotonicClock.now() >= stopDeadline, hasSaidFarewell() {
                loops.finishAudit()
                exit(0)
            }
        }
    }

    /// Tells the agent what was counted here, before it is forgotten.
    private mutating func hasSaidFarewell() -> Bool {
        guard isRetiring else { return true }
        let now = MonotonicClock.now()
        let (deadline, missing) = farewell ?? (now + Self.farewellLimit, nil)
        if missing == 0 || now >= deadline { return true }
        guard socket != nil else {
            // An agent that is being restarted is back in a moment.
            farewell = (deadline, nil)
            return false
        }
        farewell = (deadline, missing ?? 2)
        guard missing == nil else { return false }
        loops.ask(ProxyReport.lastWords, .statistics)
        loops.ask(ProxyReport.lastWords, .routing)
        return false
    }

    private static let farewellLimit: UInt64 = 10_000_000_000
    /// Nanoseconds.
    private static let rest: UInt64 = 500_000_000

    private mutating func connect() {
        guard stopDeadline == nil || isRetiring, MonotonicClock.now() >= resting else { return }
        socket = LinkSocket(path: runDirectory + "/proxy.sock")
        guard socket != nil else { return }
        // Nobody watches any more; a new agent says so if somebody does.
        loops.watchDecisions(false)
        let hello = ProxyHello(
            pid: getpid(), version: Version.current, abi: UInt32(MB_ABI_VERSION), generation: loops.generation,
            retiring: isRetiring ? remaining : nil)
        send(.hello(hello))
    }

    /// Waits for the agent, the event loops, a signal, or (without an agent) for its socket to appear.
    private mutating func wait() {
        let link = socket?.number ?? -1
        var polled = [
            pollfd(fd: outbox.descriptor, events: Int16(POLLIN), revents: 0),
            pollfd(fd: stop.descriptor.number, events: Int16(POLLIN), revents: 0),
            pollfd(fd: watch.number, events: Int16(POLLIN), revents: 0),
            pollfd(fd: link, events: Int16(POLLIN), revents: 0),
        ]
        _ = poll(&polled, nfds_t(polled.count), pollTimeout())
        if polled[1].revents != 0 { begin(stop: 30_000) }
        if polled[2].revents != 0 { clinux_drain(watch.number) }
        if polled[0].revents != 0 {
            // Without a link the events wait in the outbox, up to its bound.
            if socket != nil { for message in outbox.takeAll() { pass(on: message) } } else { outbox.settle() }
        }
        if polled[3].revents != 0 { receive() }
    }

    /// Milliseconds until this process ends at the latest.
    private var remaining: UInt32 {
        let now = MonotonicClock.now()
        return UInt32(clamping: ((stopDeadline ?? now) - min(now, stopDeadline ?? now)) / 1_000_000)
    }

    /// The agent's socket may exist before somebody accepts on it, which no event tells.
    private func pollTimeout() -> Int32 {
        guard stopDeadline != nil else { return socket == nil ? 100 : -1 }
        if farewell != nil { return 20 }
        let wait = remaining
        return wait == 0 ? 0 : Int32(min(wait + 1, socket == nil && isRetiring ? 100 : 1000))
    }

    private mutating func send(_ message: ProxyMessage) {
        guard socket?.send(message.encoded()) == true else {
            socket = nil
            return
        }
    }

    private mutating func pass(on message: ProxyMessage) {
        send(message)
        if case .report(ProxyReport.lastWords, _) = message, socket != nil, let missing = farewell?.missing {
            farewell?.missing = max(0, missing - 1)
        }
        guard case .applied = message, !hasStarted else { return }
        hasStarted = true
        clinux_release_start_memory()
    }

    private mutating func receive() {
        guard let frames = socket?.receive() else {
            if socket?.hasLostDescriptors == true {
                // Without them limits would not hold, and lines would go where nobody looks: it tells a new link everything.
                outbox.log("there is no room for the descriptors that the agent sends; it is asked again")
                resting = MonotonicClock.now() + Self.rest
            }
            socket = nil
            return
        }
        for frame in frames {
            do throws(WireError) {
                guard let message = try AgentMessage.fromPeer(frame.payload).message else {
                    // Of an agent of another build, which will have seen what this one is.
                    if !hasComplained { outbox.log("the agent sent what this version does not know") }
                    hasComplained = true
                    continue
                }
                handle(message, frame)
                if socket == nil { return }
            } catch {
                outbox.log("the agent sent what can't be read: \(error)")
                socket = nil
                return
            }
        }
    }

    private mutating func handle(_ message: AgentMessage, _ frame: LinkFrame) {
        switch message {
        case .welcome(let settings):
            let maps = frame.takeDescriptors()
            if let map = maps.first { loops.adopt(listenersMap: Descriptor(owning: map)) }
            let models = maps.count > 1 ? Descriptor(owning: maps[1]) : nil
            let buckets = maps.count > 2 ? Descriptor(owning: maps[2]) : nil
            loops.adopt(models: models, buckets: buckets)
            loops.adopt(accounts: maps.count > 3 ? Descriptor(owning: maps[3]) : nil)
            apply(settings)
        case .configure(let settings): apply(settings)
        case .query(let id, let query): loops.ask(id, query)
        case .stop(let milliseconds): begin(stop: milliseconds)
        case .handOver: handOver()
        case .listener(let listener): loops.take(listener, frame.takeDescriptors())
        case .retire(let milliseconds): retire(milliseconds)
        case .carry(let totals): loops.carry(totals)
        case .standings(let standings): loops.take(standings)
        case .watchDecisions(let wanted): loops.watchDecisions(wanted)
        case .auditSink(let isOpen): takeSink(isOpen, frame)
        case .pods(let pods): loops.take(pods)
        }
    }

    private mutating func takeSink(_ isOpen: Bool, _ frame: LinkFrame) {
        guard isOpen else { return loops.writeAudit(to: nil) }
        var descriptors = frame.takeDescriptors()[...]
        guard let descriptor = descriptors.popFirst() else { return outbox.log("the agent sent no descriptor for audit lines") }
        LinkFrame.close(Array(descriptors))
        loops.writeAudit(to: Descriptor(owning: descriptor))
    }

    private mutating func apply(_ settings: ProxySettings) {
        do throws(ApplyError) {
            try loops.apply(settings)
        } catch {
            send(.rejected(generation: settings.generation, reason: error.description))
        }
    }

    /// The first deadline holds, unless a later order is a nearer one.
    private mutating func begin(stop milliseconds: UInt32) {
        guard stopDeadline == nil || isRetiring else { return }
        isRetiring = false
        let deadline = MonotonicClock.now() + UInt64(milliseconds) * 1_000_000
        stopDeadline = min(stopDeadline ?? deadline, deadline)
        loops.drain(isReplaced: false)
    }

    private mutating func retire(_ milliseconds: UInt32) {
        guard stopDeadline == nil else { return }
        isRetiring = true
        stopDeadline = MonotonicClock.now() + UInt64(milliseconds) * 1_000_000
        loops.drain(isReplaced: true)
    }

    /// Sends copies of all listening sockets.
    private mutating func handOver() {
        let portions = stopDeadline == nil ? loops.handOver : []
        for (listener, sockets) in portions {
            guard socket?.send(ProxyMessage.listener(listener).encoded(), descriptors: sockets) == true else {
                socket = nil
                return
            }
        }
        send(.handedOver(sockets: UInt32(portions.reduce(0) { $0 + $1.sockets.count })))
    }
}
