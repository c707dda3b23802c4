extension Metrics {
    /// What governs models, as it stands in the kernel: charged by connect() and by the proxy.
    package enum QoS {
        package static let units = Metric(
            "modelbroker_qos_units_total", .counter,
            "Units of a model's limits (requests, tokens, connects), by what became of them; observed ones were let pass.")
        package static let level = Metric(
            "modelbroker_qos_bucket_level", .gauge, "Units that a limit would admit at once.")
        package static let capacity = Metric(
            "modelbroker_qos_bucket_capacity", .gauge, "Units that a limit admits at most at once.")
        package static let refusals = Metric(
            "modelbroker_qos_connect_refusals_total", .counter, "Connects that a model's entry refused, by client and reason.")
        package static let connects = Metric(
            "modelbroker_qos_connects_total", .counter, "Connects to a model's own addresses that its entry let pass.")
        package static let open = Metric(
            "modelbroker_qos_open_connections", .gauge, "Connections that count against a model's limit of connections.")
        package static let overCap = Metric(
            "modelbroker_qos_observed_connections_total", .counter,
            "Connections beyond the limit of connections that an entry which only observes let pass.")
        package static let tagged = Metric("modelbroker_qos_sockets", .gauge, "Sockets under a model's entry.")
        package static let active = Metric(
            "modelbroker_qos_active_sockets", .gauge, "Sockets that share a model's bandwidth, by direction.")
        package static let share = Metric(
            "modelbroker_qos_share_bytes_per_second", .gauge, "What each active socket of a model may send, by direction.")
        package static let applyFailures = Metric(
            "modelbroker_qos_apply_failures_total", .counter, "Socket options of a model's entry that the kernel refused.")
        package static let ungoverned = Metric(
            "modelbroker_qos_ungoverned_models", .gauge, "Models that need an entry in the kernel and have none.")
        package static let fault = Metric(
            "modelbroker_qos_fault", .gauge, "Whether the kernel did not take the models' entries.")
    }

    /// Connections that connect() itself sent to an endpoint, metered as they pass.
    package enum Direct {
        package static let connections = Metric(
            "modelbroker_direct_connections_total", .counter, "Connections established past the proxy.")
        package static let requests = Metric("modelbroker_direct_requests_total", .counter, "Requests seen on them.")
        package static let responses = Metric(
            "modelbroker_direct_responses_total", .counter, "Answers seen on them, by class of status.")
        package static let sent = Metric("modelbroker_direct_sent_bytes_total", .counter, "Bytes towards endpoints.")
        package static let received = Metric("modelbroker_direct_received_bytes_total", .counter, "Bytes from endpoints.")
        package static let unfollowed = Metric(
            "modelbroker_direct_unfollowed_total", .counter,
            "Connections of which a part could not be read as HTTP/1; of that, only bytes are counted.")
        package static let firstBytes = Metric(
            "modelbroker_direct_first_bytes_total", .counter, "Answers whose time to the first byte was taken.")
        package static let firstByteTime = Metric(
            "modelbroker_direct_first_byte_seconds_total", .counter,
            "Time from the first byte of a request to that of its answer, all of them together.")
        package static let usable = Metric(
            "modelbroker_endpoint_usable", .gauge, "Whether connect() may choose an endpoint: it answers.")
        package static let open = Metric("modelbroker_endpoint_open_connections", .gauge, "Connections to an endpoint.")
        package static let picked = Metric(
            "modelbroker_endpoint_picked_total", .counter, "Connects that were sent to an endpoint.")
        package static let failed = Metric(
            "modelbroker_endpoint_failed_total", .counter, "Of these, never established.")
    }
}
