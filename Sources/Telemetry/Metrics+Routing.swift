extension Metrics {
    /// What became of the requests for one name: a pool, a model, a capability.
    package enum Route {
        package static let requests = Metric(
            "modelbroker_route_requests_total", .counter, "Requests for a name: a pool, a model, a capability.")
        package static let retries = Metric(
            "modelbroker_route_retries_total", .counter, "Attempts after the first one of a request.")
        package static let hedges = Metric(
            "modelbroker_route_hedges_total", .counter, "Second attempts beside a slow first one.")
        package static let hedgesWon = Metric(
            "modelbroker_route_hedges_won_total", .counter, "Of these, the ones that answered first.")
        package static let budgetDenied = Metric(
            "modelbroker_route_budget_denied_total", .counter, "Retries and hedges that the budget did not allow.")
        package static let fallbacks = Metric(
            "modelbroker_route_fallbacks_total", .counter, "Requests that went to a fallback endpoint.")
        package static let exhausted = Metric(
            "modelbroker_route_exhausted_total", .counter, "Requests answered 503 because no endpoint was usable.")
        package static let mirrored = Metric("modelbroker_route_mirrored_total", .counter, "Copies for a model on trial.")
        package static let mirrorFailures = Metric(
            "modelbroker_route_mirror_failures_total", .counter, "Of these, not sent or not answered.")
        package static let rotations = Metric(
            "modelbroker_route_rotations_total", .counter, "Times that the preferred endpoint became another.")
    }

    package enum Pool {
        package static let endpoints = Metric(
            "modelbroker_pool_endpoints", .gauge,
            "Endpoints that a pool chooses from, its fallback left out, by state: active, standby, unknown.")
    }

    /// The endpoints as layer 7 sees them.
    package enum Endpoint {
        package static let up = Metric(
            "modelbroker_endpoint_up", .gauge, "Whether an endpoint gets requests, and if not, why.")
        package static let active = Metric(
            "modelbroker_endpoint_active_requests", .gauge, "Requests under way at an endpoint.")
        package static let requests = Metric(
            "modelbroker_endpoint_requests_total", .counter, "Attempts that went to an endpoint.")
        package static let failures = Metric(
            "modelbroker_endpoint_request_failures_total", .counter,
            "Of these, failed: no connection, no answer, a status that is retried, a broken stream.")
        package static let fallbacks = Metric(
            "modelbroker_endpoint_fallbacks_total", .counter, "Of these, made because nothing else was usable.")
    }
}
