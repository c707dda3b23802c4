internal import Control

/// What the live page shows: the reports that the commands show, each list cut to what a page can hold.
struct LiveReport: Sendable, Encodable {
    /// A client without its rules and keys.
    struct Client: Sendable, Encodable {
        let name: String
        let group: String?
        let activity: ClientReport.Activity?
        let quotas: [QuotaReport]

        init(_ report: ClientReport) {
            name = report.name
            group = report.group
            activity = report.activity
            quotas = Array(report.quotas.prefix(LiveReport.inside))
        }
    }

    static let most = 500
    /// Of what stands inside of another.
    static let inside = 50
    /// Flows are the longest list, and made anew for each look.
    static let mostFlows = 200
    /// With more connections than this the proxy is not asked for them.
    static let flowsWorthAsking: UInt64 = 5_000

    /// Milliseconds since 1970, by the agent's clock.
    var time: UInt64
    /// Why the broker does not do all of its work; nil: it does.
    var obstacle: String?
    var status: StatusReport
    var models: [ModelReport]
    var pools: [PoolReport]
    var endpoints: [EndpointReport]
    var queues: [QueueReport]
    var clients: [Client]
    var captures: [CaptureReport]
    /// nil: there are too many to show, or the proxy does not answer.
    var flows: [FlowReport]?
    /// How many of each list there are in all, by its name.
    var counts: [String: Int]

    init(
        time: UInt64, obstacle: String?, status: StatusReport, models: [ModelReport], pools: [PoolReport],
        endpoints: [EndpointReport], queues: [QueueReport], clients: [ClientReport], captures: [CaptureReport],
        flows: [FlowReport]?
    ) {
        self.time = time
        self.obstacle = obstacle
        self.status = status
        counts = [
            "models": models.count, "pools": pools.count, "endpoints": endpoints.count, "queues": queues.count,
            "clients": clients.count, "captures": captures.count, "flows": flows?.count ?? 0,
        ]
        // The busiest are the ones that somebody looks for.
        self.models = models.sorted { $0.requests > $1.requests }.prefix(Self.most).map(Self.brief)
        self.pools = pools.prefix(Self.inside).map(Self.brief)
        self.endpoints = Array(endpoints.prefix(Self.most))
        self.queues = Array(queues.prefix(Self.most))
        self.clients = clients.prefix(Self.most).map(Client.init)
        self.captures = Array(captures.prefix(Self.inside))
        self.flows = flows.map { Array($0.prefix(Self.mostFlows)) }
    }

    private static func brief(_ model: ModelReport) -> ModelReport {
        var model = model
        model.endpoints = Array(model.endpoints.prefix(inside))
        model.fallback = nil
        return model
    }

    private static func brief(_ pool: PoolReport) -> PoolReport {
        var pool = pool
        pool.endpoints = Array(pool.endpoints.prefix(inside))
        pool.members = Array(pool.members.prefix(inside))
        return pool
    }
}
