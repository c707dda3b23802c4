internal import Control
internal import Telemetry

/// What `/metrics` shows of routes and endpoints, by the proxy's numbers.
struct RoutingPage: Sendable {
    struct Route: Sendable {
        let name: String
        /// `pool`, `model` or `capability`.
        let kind: String
        let record: RouteRecord
    }

    struct Pool: Sendable {
        let name: String
        /// Endpoints by state, those of the fallback left out.
        let states: [EndpointReport.State: UInt64]
    }

    var routes: [Route] = []
    var pools: [Pool] = []
    /// Those that the proxy knows; the others say nothing.
    var endpoints: [EndpointReport] = []

    func render(_ text: inout some MetricSink) {
        let ofRoutes: [(Metric, KeyPath<RouteRecord, UInt64>)] = [
            (Metrics.Route.requests, \.requests), (Metrics.Route.retries, \.retries), (Metrics.Route.hedges, \.hedges),
            (Metrics.Route.hedgesWon, \.hedgesWon), (Metrics.Route.budgetDenied, \.budgetDenied),
            (Metrics.Route.fallbacks, \.fallbacks), (Metrics.Route.exhausted, \.exhausted),
            (Metrics.Route.mirrored, \.mirrored), (Metrics.Route.mirrorFailures, \.mirrorFailures),
            (Metrics.Route.rotations, \.rotations),
        ]
        for (metric, value) in ofRoutes {
            text.family(metric)
            for route in routes {
                let labels = [(Metrics.Label.route, route.name), (Metrics.Label.kind, route.kind)]
                text.sample(metric, labels, route.record[keyPath: value])
            }
        }
        renderPools(&text)
        renderEndpoints(&text)
    }

    private func renderPools(_ text: inout some MetricSink) {
        text.family(Metrics.Pool.endpoints)
        for pool in pools {
            for state in [EndpointReport.State.active, .standby, .unknown] {
                let labels = [(Metrics.Label.pool, pool.name), (Metrics.Label.state, state.rawValue)]
                text.sample(Metrics.Pool.endpoints, labels, pool.states[state] ?? 0)
            }
        }
    }

    private func renderEndpoints(_ text: inout some MetricSink) {
        text.family(Metrics.Endpoint.up)
        for endpoint in endpoints {
            // The reasons are those of `StandbyReason`: a handful.
            let labels = labels(endpoint) + [(Metrics.Label.reason, endpoint.reason ?? "")]
            text.sample(Metrics.Endpoint.up, labels, endpoint.state == .active ? 1 : 0)
        }
        let ofEndpoints: [(Metric, KeyPath<EndpointReport, UInt64>)] = [
            (Metrics.Endpoint.active, \.inFlight), (Metrics.Endpoint.requests, \.requests),
            (Metrics.Endpoint.failures, \.failures), (Metrics.Endpoint.fallbacks, \.fallbacks),
        ]
        for (metric, value) in ofEndpoints {
            text.family(metric)
            for endpoint in endpoints { text.sample(metric, labels(endpoint), endpoint[keyPath: value]) }
        }
        text.family(Metrics.Slots.limit)
        for endpoint in endpoints {
            guard let limit = endpoint.limit else { continue }
            let kind = endpoint.isAdaptive == true ? "adaptive" : "fixed"
            text.sample(Metrics.Slots.limit, labels(endpoint) + [(Metrics.Label.kind, kind)], UInt64(limit))
        }
    }

    private func labels(_ endpoint: EndpointReport) -> [PrometheusText.Label] {
        [
            (Metrics.Label.model, endpoint.model), (Metrics.Label.endpoint, endpoint.address ?? ""),
            (Metrics.Label.url, endpoint.url ?? ""),
        ]
    }
}
