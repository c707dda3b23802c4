extension Metrics.Label {
    package static let period = "period"
    package static let unit = "unit"
}

extension Metrics {
    /// What the clients of the configuration asked for, by the proxy's numbers.
    package enum Client {
        package static let requests = Metric("modelbroker_client_requests_total", .counter, "Requests of a client.")
        package static let active = Metric("modelbroker_client_active_requests", .gauge, "Requests of a client under way.")
        package static let refused = Metric(
            "modelbroker_client_refused_total", .counter, "Requests of a client that were refused, by what they met.")
        package static let tokens = Metric(
            "modelbroker_client_tokens_total", .counter,
            "Tokens that a client used: of prompts (requests), of answers (responses).")
        package static let cost = Metric(
            "modelbroker_client_cost_millionths_total", .counter, "What a client's tokens cost, in millionths of the currency.")
    }

    /// Quotas, of cost in millionths of the currency.
    package enum Quota {
        package static let used = Metric("modelbroker_quota_used", .gauge, "What of a quota is used in its period.")
        package static let limit = Metric("modelbroker_quota_limit", .gauge, "What may be used of a quota in its period.")
        package static let suspended = Metric(
            "modelbroker_accounting_suspended", .gauge,
            "Whether what is used can't be written down, so that nothing passes that a quota governs.")
    }

    package enum Identity {
        package static let unauthenticated = Metric("modelbroker_unauthenticated_total", .counter, "Requests answered 401.")
        package static let conflicts = Metric(
            "modelbroker_identity_conflicts_total", .counter,
            "Requests whose workload and credentials belong to different clients.")
        package static let tokensChecked = Metric(
            "modelbroker_token_checks_total", .counter, "Tokens whose signatures were checked.")
        package static let stale = Metric(
            "modelbroker_credentials_stale", .gauge, "Key sets and certificates that can't be had or read now.")
        package static let handshakes = Metric(
            "modelbroker_tls_handshakes_total", .counter, "Handshakes with callers on listeners with TLS.")
        package static let handshakeFailures = Metric(
            "modelbroker_tls_handshake_failures_total", .counter, "Of these, failed.")
    }

    package enum Audit {
        package static let lines = Metric("modelbroker_audit_lines_total", .counter, "Audit lines written.")
        package static let dropped = Metric(
            "modelbroker_audit_dropped_total", .counter, "Audit lines dropped, by who dropped them.")
    }
}
