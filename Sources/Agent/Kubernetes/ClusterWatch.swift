private import CLinux
internal import Catalog
internal import Glibc
internal import Kubernetes
internal import Logging
internal import ServiceLifecycle
private import Synchronization

/// Follows resources of the cluster's API server, all of them from one thread of its own, each on a connection of its own.
final class ClusterWatch: Service {
    /// What is to be done, as it was last said.
    private struct Wanted {
        var cluster: Cluster?
        /// Grows with each change.
        var turn: UInt64 = 0
    }

    private let wanted = Mutex(Wanted())
    private let shown = Mutex<ClusterState?>(nil)
    private let resources: @Sendable (Cluster) -> [any Followed]
    private let told: @Sendable (_ news: ClusterState, _ before: ClusterState?) -> Void
    private let logger: Logger
    private let stopped = Atomic<Bool>(false)
    /// Readable when the thread is to look up.
    private let wake = eventfd(0, Int32(EFD_NONBLOCK | EFD_CLOEXEC))

    /// - Parameters:
    ///   - resources: what is followed of a cluster; called on the watch's thread, as all that they tell is.
    ///   - told: how things stand with a cluster, when that has changed, and how they stood before.
    init(
        logger: Logger, resources: @escaping @Sendable (Cluster) -> [any Followed],
        told: @escaping @Sendable (_ news: ClusterState, _ before: ClusterState?) -> Void
    ) {
        self.logger = logger
        self.resources = resources
        self.told = told
    }

    deinit { close(wake) }

    /// nil: there is no cluster.
    var state: ClusterState? { shown.withLock { $0 } }

    /// From now on this one is followed; nil: none is.
    func adopt(_ cluster: Cluster?) {
        let isNew = wanted.withLock { wanted in
            guard wanted.cluster != cluster else { return false }
            wanted.cluster = cluster
            wanted.turn += 1
            return true
        }
        if isNew { eventfd_write(wake, 1) }
    }

    /// Begins anew, with other resources perhaps.
    func refresh() {
        wanted.withLock { $0.turn += 1 }
        eventfd_write(wake, 1)
    }

    func run() async throws {
        try BackgroundThread.start("kubernetes") { self.work() }
        try? await gracefulShutdown()
        stopped.store(true, ordering: .relaxed)
        eventfd_write(wake, 1)
    }

    private func work() {
        var turn: UInt64 = 0
        while !stopped.load(ordering: .relaxed) {
            let (cluster, now) = wanted.withLock { ($0.cluster, $0.turn) }
            turn = now
            guard let cluster else {
                show(nil)
                wait([], until: nil)
                continue
            }
            var session = ClusterSession(cluster, resources(cluster))
            show(session.state(since: Clocks.epochMilliseconds()))
            while !stopped.load(ordering: .relaxed), wanted.withLock({ $0.turn }) == turn {
                session.proceed()
                show(session.state(since: Clocks.epochMilliseconds()))
                session.advance(wait(session.inquiries, until: session.wake))
            }
        }
    }

    /// Waits for one of the inquiries, a wake-up or the time.
    @discardableResult
    private func wait(_ inquiries: [Inquiry], until time: UInt64?) -> [Bool] {
        var polled = [pollfd(fd: wake, events: Int16(POLLIN), revents: 0)]
        polled += inquiries.map { pollfd(fd: $0.descriptor, events: $0.interest, revents: 0) }
        let now = Clocks.monotonic()
        let milliseconds = time.map { $0 <= now ? 0 : Int32(clamping: ($0 - now) / 1_000_000 + 1) } ?? -1
        guard poll(&polled, nfds_t(polled.count), milliseconds) > 0 else { return inquiries.map { _ in false } }
        if polled[0].revents != 0 { clinux_drain(wake) }
        return polled.dropFirst().map { $0.revents != 0 }
    }

    /// Keeps when it began to be as it is, and tells of changes.
    private func show(_ state: ClusterState?) {
        let (news, before) = shown.withLock { shown -> (ClusterState?, ClusterState?) in
            let before = shown
            var state = state
            if let before, before.condition == state?.condition, before.server == state?.server { state?.since = before.since }
            shown = state
            return (state, before)
        }
        guard let news, news != before else { return }
        if news.condition != before?.condition { log(news, before) }
        told(news, before)
    }

    private func log(_ news: ClusterState, _ before: ClusterState?) {
        switch news.condition {
        case .starting: break
        case .synced: logger.notice("the API server is followed", metadata: ["server": "\(news.server)"])
        case .away(let reason) where before?.condition.isAway != true:
            logger.error("the API server is away", metadata: ["server": "\(news.server)", "reason": "\(reason)"])
        case .away: break
        }
    }
}
