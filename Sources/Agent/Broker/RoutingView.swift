internal import Catalog
internal import Control
internal import KernelPlane

/// The endpoints and pools of a catalogue with what the proxy, the kernel and the agent know of them. Pure.
struct RoutingView: Sendable {
    /// As it is in force, names resolved.
    let catalog: Catalog
    let standings: [EndpointKey: EndpointStanding]
    /// Milliseconds since 1970.
    let now: UInt64
    /// nil: the proxy does not answer.
    private let routes: [String: RouteRecord]?
    private let records: [EndpointKey: [EndpointRecord]]
    private let direct: [String: [SocketAddress: EndpointReading]]
    private let members: PoolMembers

    /// - Parameters:
    ///   - proxy: what it says; nil: it does not answer.
    ///   - direct: what the kernel says, by model.
    init(
        _ catalog: Catalog, standings: [EndpointKey: EndpointStanding] = [:],
        proxy: (endpoints: [EndpointRecord], routes: [RouteRecord])? = nil, direct: [String: [EndpointReading]] = [:],
        now: UInt64
    ) {
        self.catalog = catalog
        self.standings = standings
        self.now = now
        records = Dictionary(grouping: proxy?.endpoints ?? [], by: \.key)
        routes = proxy.map { Dictionary($0.routes.map { ($0.name, $0) }) { first, _ in first } }
        self.direct = direct.mapValues { Dictionary($0.map { ($0.address, $0) }) { first, _ in first } }
        members = PoolMembers(catalog.models)
    }

    /// Every endpoint at each of its addresses, in the catalogue's order.
    var endpoints: [EndpointReport] { catalog.placedEndpoints.flatMap { reports($0) } }

    var pools: [PoolReport] { catalog.pools.map { pool($0) } }

    private func pool(_ pool: Pool) -> PoolReport {
        let members = members.of(pool)
        var candidates: [PlacedEndpoint] = []
        var fallbacks: [PlacedEndpoint] = []
        for member in members {
            let model = catalog.models[member.model]
            candidates += member.endpoints.map { placed(model.endpoints[$0], of: model, isFallback: false) }
            fallbacks += model.fallback.map { placed($0, of: model, isFallback: true) }
        }
        fallbacks += pool.fallback.map { PlacedEndpoint(endpoint: $0, name: pool.name, isOfPool: true, isFallback: true) }
        return PoolReport(
            pool, members: members, of: catalog, endpoints: (candidates + fallbacks).flatMap { reports($0) },
            counters: routes?[pool.name].map { RouteCounters($0) } ?? RouteCounters())
    }

    private func placed(_ endpoint: Endpoint, of model: Model, isFallback: Bool) -> PlacedEndpoint {
        PlacedEndpoint(endpoint: endpoint, name: model.name, isOfPool: false, isFallback: isFallback)
    }

    private func reports(_ placed: PlacedEndpoint) -> [EndpointReport] {
        let model = model(of: placed)
        guard !placed.endpoint.addresses.isEmpty else {
            return [
                EndpointReport(
                    model: model, url: placed.endpoint.url, address: nil, isFallback: placed.isFallback,
                    pool: placed.isOfPool ? placed.name : nil, state: .standby, reason: StandbyReason.unresolved.text)
            ]
        }
        return placed.keys.map { report(placed, model, $0) }
    }

    /// What a pool's own fallback is asked for is the first model of the pool, unless it has a name of its own for it.
    private func model(of placed: PlacedEndpoint) -> String {
        guard placed.isOfPool else { return placed.name }
        if let name = placed.endpoint.upstreamModel { return name }
        let pool = catalog.pools.first { $0.name == placed.name }
        return pool.flatMap { members.of($0).first }.map { catalog.models[$0.model].name } ?? placed.name
    }

    private func report(_ placed: PlacedEndpoint, _ model: String, _ key: EndpointKey) -> EndpointReport {
        let pool = placed.isOfPool ? placed.name : nil
        let known = records[key] ?? []
        // Under which model the proxy counts a pool's own fallback is its business.
        let record = known.first { $0.model == model } ?? (placed.isOfPool ? known.first : nil)
        var report =
            record.map { EndpointReport($0, isFallback: placed.isFallback, pool: pool) }
            ?? EndpointReport(
                model: model, url: key.url, address: key.address.description, isFallback: placed.isFallback, pool: pool,
                state: .unknown)
        report.model = model
        if let standing = standings[key] {
            // The agent's own business: the proxy may be told of it in a moment.
            report.phase = standing.phase == .always ? report.phase : standing.phase.text
            apply(standing, record?.standby, to: &report)
        }
        report.direct = direct[model]?[key.address].map { EndpointReport.Direct($0) }
        return report
    }

    /// What the agent knows may be on its way to the proxy yet. Of two reasons the weightier one is shown.
    private func apply(_ standing: EndpointStanding, _ known: StandbyReason?, to report: inout EndpointReport) {
        guard let reason = standing.reason, reason.rawValue <= known?.rawValue ?? .max else { return }
        report.state = .standby
        report.reason = reason.text
        report.detail = standing.detail
        report.remainingMilliseconds = standing.maintenanceUntil > now ? standing.maintenanceUntil - now : nil
    }
}

extension EndpointReport.Direct {
    fileprivate init(_ reading: EndpointReading) {
        self.init(
            weight: reading.weight, usable: reading.usable, open: reading.open, picked: reading.picked, failed: reading.failed,
            failedMillisecondsAgo: reading.nanosecondsSinceFailure.map { $0 / 1_000_000 })
    }
}
