internal import Catalog
internal import Configuration
internal import Control
internal import Logging
internal import ServiceLifecycle
private import Synchronization

/// Writes into the status of each resource what this node has made of it.
final class StatusWriter: Service {
    typealias Finding = (key: ResourceKey, verdict: ResourceVerdict, generation: Int64)

    /// Nanoseconds within which the nodes of a cluster write what all of them have just found.
    private static let spread: UInt64 = 2_000_000_000

    private struct State {
        var schedule = StatusSchedule()
        var cluster: Cluster?
        /// Why nothing could be written the last time; said once.
        var complaint: String?
    }

    private let state = Mutex(State())
    private let logger: Logger
    private let changes: AsyncStream<Void>
    private let feed: AsyncStream<Void>.Continuation

    init(logger: Logger) {
        self.logger = logger
        (changes, feed) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
    }

    /// From now on these are the verdicts; nil: there is no cluster to tell.
    func adopt(_ cluster: Cluster?, _ findings: [Finding]) {
        let told = findings.filter { cluster?.tells($0.verdict) ?? false }
        state.withLock { state in
            let isOther = state.cluster?.server != cluster?.server || state.cluster?.node != cluster?.node
            if isOther { state.schedule = StatusSchedule() }
            state.cluster = cluster
            state.schedule.adopt(told, spread: Self.spread, time: Timestamp.now(), now: Clocks.monotonic())
        }
        feed.yield()
    }

    /// Why the status of resources cannot be written; nil: it can.
    var complaint: String? { state.withLock { $0.complaint } }

    /// From now on this is the use that is made of the resources.
    ///
    /// - Parameter interval: nanoseconds between two writings of one resource for that.
    func observe(_ uses: [ResourceKey: ResourceUse], interval: UInt64) {
        state.withLock { $0.schedule.observe(uses, interval: interval) }
        feed.yield()
    }

    func run() async throws {
        var alarm: Task<Void, Never>?
        defer { alarm?.cancel() }
        for await _ in changes.cancelOnGracefulShutdown() {
            alarm?.cancel()
            await cancelWhenGracefulShutdown { while await self.write() {} }
            alarm = self.alarm()
        }
    }

    /// Wakes `run` when the next is due; nil: none is.
    private func alarm() -> Task<Void, Never>? {
        guard let due = state.withLock({ $0.schedule.wake }) else { return nil }
        let now = Clocks.monotonic()
        return Task { [feed] in
            do { try await Task.sleep(for: .nanoseconds(due - min(now, due))) } catch { return }
            feed.yield()
        }
    }

    /// Writes the next that is due; false: none is.
    private func write() async -> Bool {
        let next = state.withLock { state in
            state.cluster.flatMap { cluster in state.schedule.begin(now: Clocks.monotonic()).map { (cluster, $0) } }
        }
        guard let (cluster, (key, status)) = next else { return false }
        let outcome = await write(key, status, cluster)
        state.withLock { $0.schedule.finished(outcome, now: Clocks.monotonic()) }
        return true
    }

    private func write(_ key: ResourceKey, _ status: ResourceStatus, _ cluster: Cluster) async -> StatusSchedule.Outcome {
        do {
            let body = try status.patch(key, node: cluster.node)
            try await APIWriter(cluster: cluster).patch(
                ResourceStatus.target(key, node: cluster.node), body, type: ResourceStatus.contentType)
            state.withLock { $0.complaint = nil }
            return .written
        } catch let error as APIWriteError where error.code == 404 {
            return .gone
        } catch {
            complain("\(error)", key)
            return .failed
        }
    }

    private func complain(_ reason: String, _ key: ResourceKey) {
        guard state.withLock({ $0.complaint.replace(by: reason) }) else { return }
        logger.warning("cannot write the status of a resource", metadata: ["resource": "\(key)", "reason": "\(reason)"])
    }
}

extension String? {
    /// True if it was another before.
    fileprivate mutating func replace(by new: String) -> Bool {
        defer { self = new }
        return self != new
    }
}

extension Cluster {
    /// Whether a verdict is written into the resource's status.
    fileprivate func tells(_ verdict: ResourceVerdict) -> Bool {
        switch status {
        case .all: true
        case .refusals: !verdict.isAccepted
        case .off: false
        }
    }
}
