extension Metrics.Label {
    package static let group = "group"
    package static let phase = "phase"
}

extension Metrics {
    /// What a group's requests for a model get of it, and what waits, by the proxy's numbers.
    package enum Queue {
        package static let waiting = Metric("modelbroker_queue_waiting_requests", .gauge, "Requests that wait for a slot.")
        package static let bytes = Metric("modelbroker_queue_bytes", .gauge, "Bytes held for requests that wait.")
        package static let oldest = Metric(
            "modelbroker_queue_oldest_seconds", .gauge, "For how long the oldest of them has waited.")
        package static let active = Metric(
            "modelbroker_queue_active_requests", .gauge, "Requests of a group under way for a model.")
        package static let slots = Metric(
            "modelbroker_queue_slots", .gauge, "Requests that may be under way for a model at once, of all groups together.")
        package static let entitlement = Metric(
            "modelbroker_queue_entitlement_thousandths", .gauge,
            "Thousandths of slots that are a group's by its weight among the groups that want some now.")
        package static let granted = Metric(
            "modelbroker_queue_granted_total", .counter, "Requests that got a slot, at once (immediate) or after a wait (waited)."
        )
        package static let ended = Metric(
            "modelbroker_queue_refused_total", .counter,
            "Requests that got none: the queue was full, the wait too long (expired), others more urgent (shed), the client gone (left)."
        )
        package static let tokens = Metric(
            "modelbroker_queue_tokens_total", .counter, "Tokens of a group's answered requests for a model.")
        package static let waits = Metric(
            "modelbroker_queue_wait_seconds", .histogram, "How long those waited that got a slot after a wait.")
    }

    /// The servers of endpoints on demand.
    package enum Server {
        package static let phase = Metric(
            "modelbroker_engine_phase", .gauge, "Where a server on demand stands: always 1, by phase.")
        package static let starts = Metric("modelbroker_engine_starts_total", .counter, "Times that it was started.")
        package static let crashes = Metric(
            "modelbroker_engine_crashes_total", .counter, "Times that it ended though it should not.")
    }

    /// Limits of requests under way, and what engines say themselves.
    package enum Slots {
        package static let limit = Metric(
            "modelbroker_endpoint_request_limit", .gauge,
            "Requests that may be under way at an endpoint at once; kind: fixed or adaptive.")
        package static let load = Metric(
            "modelbroker_endpoint_engine_requests", .gauge,
            "Requests that an engine itself counts, running and waiting, whoever sent them; missing when it has not said lately.")
    }
}
