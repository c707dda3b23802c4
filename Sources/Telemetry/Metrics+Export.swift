extension Metrics.Label {
    package static let export = "export"
    package static let file = "file"
    package static let use = "use"
}

extension Metrics {
    /// How the broker's own ways of telling others are doing: remote write, OTLP, events.
    package enum Export {
        package static let items = Metric(
            "modelbroker_export_items_total", .counter,
            "Samples, points, spans and events, by what became of them: sent, refused by the receiver, dropped for want of room.")
        package static let failures = Metric(
            "modelbroker_export_failures_total", .counter, "Requests to a receiver that failed and are tried again.")
        package static let waiting = Metric(
            "modelbroker_export_waiting_bytes", .gauge, "What waits for a receiver to take it.")
        package static let lastSuccess = Metric(
            "modelbroker_export_last_success_timestamp_seconds", .gauge, "When a receiver last took something.")
        package static let spans = Metric("modelbroker_proxy_spans_total", .counter, "Spans that the proxy made of requests.")
        package static let spansDropped = Metric(
            "modelbroker_proxy_spans_dropped_total", .counter, "Of these, dropped since the agent did not take them fast enough.")
    }

    package enum Certificate {
        package static let expiry = Metric(
            "modelbroker_certificate_expiry_timestamp_seconds", .gauge,
            "When a file of certificates is of no use any more: of a chain the first to expire, of authorities the last.")
    }
}
