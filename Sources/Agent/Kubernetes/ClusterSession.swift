internal import Catalog
internal import Kubernetes

/// The requests under way to one API server. Belongs to the thread of `ClusterWatch`.
struct ClusterSession {
    private let cluster: Cluster
    private let followed: [any Followed]
    private var server: APIServer
    /// By position in `followed`.
    private var open: [Int: Inquiry] = [:]
    private var buffer = [UInt8](repeating: 0, count: 64 << 10)

    init(_ cluster: Cluster, _ followed: [any Followed]) {
        self.cluster = cluster
        self.followed = followed
        server = APIServer(cluster)
    }

    /// In the order in which `advance` wants to know which are ready.
    var inquiries: [Inquiry] { positions.compactMap { open[$0] } }

    private var positions: [Int] { open.keys.sorted() }

    /// When to `proceed` at the latest; nil: when something is ready.
    var wake: UInt64? {
        let times = followed.compactMap { $0.wake ?? $0.deadline }
        // What has just changed is kept a moment later.
        let unsaved = followed.contains { $0.isUnsaved } ? [Clocks.monotonic() + 1_000_000_000] : []
        return (times + unsaved).min()
    }

    func state(since: UInt64) -> ClusterState {
        ClusterState(
            server: cluster.server, node: cluster.node,
            resources: followed.map { ClusterState.Resource(name: $0.name, condition: $0.condition, objects: $0.objects) },
            since: since)
    }

    /// Ends what has taken too long, asks what is to be asked, and tells of what is new.
    mutating func proceed() {
        for (position, item) in followed.enumerated() {
            let now = Clocks.monotonic()
            if let deadline = item.deadline, deadline <= now, item.expire(now: now) {
                open[position] = nil
                server.failed()
            }
            while let request = item.begin(now: Clocks.monotonic()) {
                let reader = StreamReader(
                    head: { item.head(status: $0, now: Clocks.monotonic()) },
                    take: { item.body($0, now: Clocks.monotonic()) })
                switch server.get(request.target, reader) {
                case .underWay(let inquiry): open[position] = inquiry
                case .decided(let outcome): take(outcome, item)
                }
            }
            item.settle(now: Clocks.monotonic())
        }
    }

    /// - Parameter ready: which of the `inquiries` are.
    mutating func advance(_ ready: [Bool]) {
        for (position, isReady) in zip(positions, ready) where isReady {
            guard let outcome = open[position]?.advance(&buffer) else { continue }
            open[position] = nil
            take(outcome, followed[position])
        }
    }

    /// A request that the reflector has ended by itself is of no more interest to it.
    private mutating func take(_ outcome: Inquiry.Outcome, _ item: any Followed) {
        let now = Clocks.monotonic()
        switch outcome {
        case .replied: item.end(now: now)
        case .failed(let reason), .unknown(let reason):
            item.fail(reason, now: now)
            server.failed()
        case .connected: item.fail("no answer", now: now)
        }
    }
}
