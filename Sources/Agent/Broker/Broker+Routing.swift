internal import Catalog
internal import Control
internal import KernelPlane
internal import Logging

/// What people ask about pools and endpoints, and what they do to them.
extension Broker {
    /// What the proxy says of endpoints and routes, with what those say that have been replaced and drain; nil: it does not
    /// answer.
    func routing() async -> (endpoints: [EndpointRecord], routes: [RouteRecord])? {
        for _ in 0..<3 {
            let before = await surroundings.supervisor.status
            guard let connection, connection.isOpen, case .routing(var endpoints, var routes) = await connection.query(.routing)
            else { return nil }
            for draining in before.draining {
                guard let more = await Self.routing(of: draining) else { continue }
                endpoints.add(more.endpoints)
                routes.add(more.routes)
            }
            if await surroundings.supervisor.status.drainCount == before.drainCount { return (endpoints, routes) }
        }
        return nil
    }

    private static func routing(
        of draining: ProxyStatus.Draining
    ) async -> (endpoints: [EndpointRecord], routes: [RouteRecord])? {
        guard let connection = draining.connection else { return nil }
        if connection.isOpen, case .routing(let endpoints, let routes) = await connection.query(.routing) {
            connection.note(endpoints, routes)
            return (endpoints, routes)
        }
        return (connection.lastWords.endpoints, connection.lastWords.routes)
    }

    func view(_ proxy: (endpoints: [EndpointRecord], routes: [RouteRecord])?) -> RoutingView {
        let names = Dictionary(governed.slots.map { ($0.value, $0.key) }) { first, _ in first }
        let direct = Dictionary(grouping: (try? inspector.endpoints()) ?? [], by: { names[$0.model] ?? "" })
        return RoutingView(
            whole(catalog), standings: surroundings.standings.all, proxy: proxy, direct: direct,
            now: Clocks.epochSeconds() * 1000)
    }

    /// Those of the catalogue, then the servers that are drained and no longer configured.
    func endpoints() async -> [EndpointReport] {
        view(await routing()).endpoints
            + surroundings.standings.forgotten.map {
                EndpointReport(
                    model: "", url: $0, address: nil, state: .standby, reason: StandbyReason.drained.text,
                    detail: "no longer configured")
            }
    }

    func pools() async -> [PoolReport] { view(await routing()).pools }

    func capabilities() -> [CapabilityReport] { CapabilityReport.all(of: whole(catalog)) }

    /// Takes the server at a URL out by hand, or back in.
    func drain(_ url: String, _ isDrained: Bool, by uid: UInt32?) async throws(AgentError) -> DrainReport {
        let (names, isChanged) = try surroundings.standings.drain(url, isDrained, by: uid)
        if isChanged {
            logger.notice(isDrained ? "an endpoint is drained" : "an endpoint is enabled", metadata: ["endpoint": "\(url)"])
        }
        let there = (await routing())?.endpoints.filter { $0.key.url == url } ?? []
        return DrainReport(
            url: url, isDrained: isDrained, isChanged: isChanged, models: names,
            inFlight: there.reduce(0) { $0 + $1.inFlight })
    }

    /// Has a pool or a model prefer another endpoint.
    func rotate(_ name: String, by uid: UInt32?) async throws(AgentError) -> RotationReport {
        let whole = whole(catalog)
        guard whole.pools.contains(where: { $0.name == name }) || whole.models.contains(where: { $0.name == name }) else {
            throw AgentError("there is no pool or model \(name)")
        }
        guard let connection, connection.isOpen, case .rotated(let from, let to) = await connection.query(.rotate(name)) else {
            throw AgentError("the proxy does not answer")
        }
        let report = RotationReport(name: name, from: from?.url, to: to?.url)
        surroundings.hub.publish(
            EventReport(
                time: Timestamp.now(), kind: .rotated, model: name, address: to?.address.description,
                detail: EventReport.change("\(from?.url ?? "none") -> \(to?.url ?? "none")", by: uid)))
        logger.notice("moved on by hand", metadata: ["name": "\(name)", "to": "\(to?.url ?? "none")"])
        return report
    }

    func explain(_ request: ExplainRequest) async throws(AgentError) -> ExplainReport {
        var request = request
        let pods = try callers(request)
        if request.pod != nil { request.client = pods?.first?.client }
        guard let connection, connection.isOpen,
            case .explanation(let decision) = await connection.query(.explain(request.query))
        else { throw AgentError("the proxy does not answer") }
        var report = ExplainReport(decision, model: request.model)
        report.pods = pods
        return report
    }
}
