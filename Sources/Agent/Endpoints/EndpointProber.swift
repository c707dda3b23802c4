private import CLinux
internal import Catalog
internal import Glibc
internal import Logging
internal import ServiceLifecycle
private import Synchronization

/// Asks endpoints whether they take connections, from a thread of its own.
final class EndpointProber: Service {
    /// An endpoint that has become usable or unusable.
    struct Change: Hashable, Sendable {
        let address: SocketAddress
        let usable: Bool
        /// Why not.
        let reason: String?
    }

    /// The schedule is looked at so often at most, however many endpoints there are: in nanoseconds.
    private static let pause: UInt64 = 5_000_000

    private let schedule = Mutex(ProbeSchedule())
    private let changed: @Sendable (Change) -> Void
    private let logger: Logger
    private let stopped = Atomic<Bool>(false)
    /// Readable when the thread is to look up.
    private let wake = eventfd(0, Int32(EFD_NONBLOCK | EFD_CLOEXEC))

    /// - Parameter changed: called on the prober's thread.
    init(logger: Logger, changed: @escaping @Sendable (Change) -> Void) {
        self.logger = logger
        self.changed = changed
    }

    deinit { close(wake) }

    /// What is known of each endpoint that is watched.
    var usable: [SocketAddress: Bool] { schedule.withLock { $0.usable } }

    /// From now on these are watched, no others. Those that are new are taken to be as given until they have been asked.
    func watch(_ endpoints: [SocketAddress: Bool]) {
        schedule.withLock { $0.watch(endpoints, now: Clocks.monotonic()) }
        eventfd_write(wake, 1)
    }

    func run() async throws {
        try BackgroundThread.start("endpoint-prober") { self.work() }
        try? await gracefulShutdown()
        stopped.store(true, ordering: .relaxed)
        eventfd_write(wake, 1)
    }

    private func work() {
        var open: [SocketAddress: Probe] = [:]
        while !stopped.load(ordering: .relaxed) {
            let now = Clocks.monotonic()
            let (late, due, next) = schedule.withLock { schedule in (schedule.late(now), schedule.due(now), schedule.next) }
            for address in late {
                open[address] = nil
                take(.refused(reason: "no answer in \(ProbeSchedule.timeout / 1_000_000) ms"), of: address)
            }
            for address in due {
                switch Probe.start(address) {
                case .underWay(let probe): open[address] = probe
                case .decided(let outcome): take(outcome, of: address)
                }
            }
            for probe in ready(of: open, until: next.map { max($0, now + Self.pause) }) {
                open[probe.address] = nil
                take(probe.outcome, of: probe.address)
            }
        }
    }

    /// Waits for one of the probes, a wake-up or the time. Few are under way at once: who answers does so at once.
    private func ready(of open: [SocketAddress: Probe], until time: UInt64?) -> [Probe] {
        let probes = Array(open.values)
        var polled = [pollfd(fd: wake, events: Int16(POLLIN), revents: 0)]
        polled += probes.map { pollfd(fd: $0.descriptor, events: Int16(POLLOUT), revents: 0) }
        let now = Clocks.monotonic()
        let milliseconds = time.map { $0 <= now ? 0 : Int32(clamping: ($0 - now) / 1_000_000 + 1) } ?? -1
        guard poll(&polled, nfds_t(polled.count), milliseconds) > 0 else { return [] }
        if polled[0].revents != 0 { clinux_drain(wake) }
        return zip(probes, polled.dropFirst()).filter { $0.1.revents != 0 }.map(\.0)
    }

    private func take(_ outcome: Probe.Outcome, of address: SocketAddress) {
        switch outcome {
        case .answered: finish(address, nil)
        case .refused(let reason): finish(address, reason)
        case .unknown(let reason):
            schedule.withLock { $0.abandoned(address) }
            logger.debug("cannot ask an endpoint", metadata: ["endpoint": "\(address)", "reason": "\(reason)"])
        }
    }

    /// - Parameter reason: nil: it answered.
    private func finish(_ address: SocketAddress, _ reason: String?) {
        guard let usable = schedule.withLock({ $0.finished(address, succeeded: reason == nil) }) else { return }
        changed(Change(address: address, usable: usable, reason: reason))
    }
}
