/// One family of the metrics page.
package struct Metric: Sendable {
    package enum Kind: String, Sendable { case counter, gauge, histogram }

    package let name: String
    package let kind: Kind
    package let help: String

    package init(_ name: String, _ kind: Kind, _ help: String) {
        self.name = name
        self.kind = kind
        self.help = help
    }
}

/// Every metric that the broker publishes, and every label.
package enum Metrics {
    package enum Label {
        package static let version = "version"
        package static let event = "event"
        package static let rule = "rule"
        package static let outcome = "outcome"
        package static let listener = "listener"
        package static let model = "model"
        package static let statusClass = "class"
        package static let entrance = "entrance"
        package static let client = "client"
        package static let endpoint = "endpoint"
        package static let reason = "reason"
        package static let kind = "kind"
        package static let direction = "direction"
        package static let route = "route"
        package static let url = "url"
        package static let pool = "pool"
        package static let state = "state"
        /// `gen_ai.token.type` of the OpenTelemetry conventions: `input`, `output`.
        package static let tokenType = "gen_ai_token_type"
    }

    package static let buildInfo = Metric("modelbroker_build_info", .gauge, "The agent's version; always 1.")
    package static let generation = Metric(
        "modelbroker_config_generation", .gauge, "Generation of the configuration in force; rises with every change.")
    package static let ready = Metric("modelbroker_ready", .gauge, "Whether the broker does all of its work: /readyz says 200.")
    package static let reloadSuccess = Metric(
        "modelbroker_config_last_reload_success", .gauge, "Whether the last reading of the configuration was accepted.")
    package static let eventsSuppressed = Metric(
        "modelbroker_events_suppressed_total", .counter, "Events left out because there were too many alike.")

    package enum Kernel {
        package static let counters = Metric(
            "modelbroker_kernel_events_total", .counter, "What the BPF programs counted, by name of the counter.")
        package static let listenerAlive = Metric(
            "modelbroker_kernel_listener_alive", .gauge, "Whether the proxy listens in a slot of the kernel's listeners map.")
        package static let ruleConnections = Metric(
            "modelbroker_rule_connections_total", .counter, "Connections that a capture rule matched, by what became of them.")
    }

    package enum Model {
        package static let requests = Metric("modelbroker_model_requests_total", .counter, "Requests that named a model.")
        package static let responses = Metric(
            "modelbroker_model_responses_total", .counter, "Answers given for a model, by class of status.")
        package static let broken = Metric(
            "modelbroker_model_broken_total", .counter, "Answers that broke after their first byte.")
        package static let cancelled = Metric(
            "modelbroker_model_cancelled_total", .counter, "Requests that their caller gave up.")
        package static let received = Metric(
            "modelbroker_model_received_bytes_total", .counter, "Bytes of requests, heads included.")
        package static let sent = Metric("modelbroker_model_sent_bytes_total", .counter, "Bytes of answers, heads included.")
        package static let limited = Metric(
            "modelbroker_model_limited_total", .counter, "Requests answered 429 or 403, by what they met.")
        package static let tokens = Metric(
            "modelbroker_model_tokens_total", .counter,
            "Tokens used, by type (input, output), while something limits, prices or audits them.")
        package static let active = Metric("modelbroker_model_active_requests", .gauge, "Requests under way.")
        /// The name and the buckets are those of the OpenTelemetry conventions for generative AI.
        package static let firstByte = Metric(
            "gen_ai_server_time_to_first_token_seconds", .histogram,
            "From the end of a request's head to the first byte of its answer's body.")
        package static let duration = Metric(
            "gen_ai_server_request_duration_seconds", .histogram,
            "From the end of a request's head to the end of its answer, of requests whose answer began.")
        package static let tokenTime = Metric(
            "gen_ai_server_time_per_output_token_seconds", .histogram,
            "Between two tokens of a stream, the first one left out; where tokens are counted.")
        package static let usage = Metric(
            "gen_ai_client_token_usage", .histogram,
            "Tokens of each prompt (input) and each answer (output); where tokens are counted.")
        package static let dispatch = Metric(
            "modelbroker_model_dispatch_seconds", .histogram,
            "From the end of a request's head until the endpoint that answered had it: reading, checks, queue, attempts that failed."
        )
    }

    package enum Proxy {
        package static let up = Metric("modelbroker_proxy_up", .gauge, "Whether the proxy answers the agent.")
        package static let restarts = Metric(
            "modelbroker_proxy_restarts_total", .counter, "How often the agent had to start the proxy again.")
        package static let processorTime = Metric(
            "modelbroker_proxy_cpu_seconds_total", .counter, "Processor time that the proxy has used.")
        package static let draining = Metric(
            "modelbroker_proxy_draining", .gauge, "Proxies that have been replaced and end what they have under way.")
        package static let replaced = Metric(
            "modelbroker_proxy_last_replacement_success", .gauge,
            "Whether the last replacement of the proxy was made; 0: the one before serves on. Absent while there was none.")
        package static let uptime = Metric("modelbroker_proxy_uptime_seconds", .gauge, "Since the proxy started.")
        package static let openConnections = Metric(
            "modelbroker_proxy_open_connections", .gauge, "Callers' connections that are open.")
        package static let resident = Metric("modelbroker_proxy_resident_bytes", .gauge, "Resident memory of the proxy.")
        package static let descriptors = Metric("modelbroker_proxy_open_descriptors", .gauge, "Open descriptors of the proxy.")
        package static let accepted = Metric(
            "modelbroker_proxy_accepted_total", .counter, "Connections accepted, by entrance.")
        package static let withoutOrigin = Metric(
            "modelbroker_proxy_without_origin_total", .counter, "Connections closed for want of an origin record.")
        package static let opaque = Metric(
            "modelbroker_proxy_opaque_total", .counter, "Connections relayed as they are: not HTTP/1.x.")
        package static let unnamed = Metric(
            "modelbroker_proxy_unnamed_total", .counter, "Requests without a model that went on to the address dialled.")
        package static let refused = Metric(
            "modelbroker_proxy_refused_total", .counter, "Requests refused before they had a model.")
        package static let upstreamConnects = Metric(
            "modelbroker_proxy_upstream_connects_total", .counter, "Connections opened to endpoints.")
        package static let upstreamReuses = Metric(
            "modelbroker_proxy_upstream_reuses_total", .counter, "Requests sent on a kept-alive connection to an endpoint.")
        package static let upstreamFailures = Metric(
            "modelbroker_proxy_upstream_connect_failures_total", .counter, "Connections to endpoints that failed.")
        package static let staleRetries = Metric(
            "modelbroker_proxy_stale_retries_total", .counter, "Requests sent again because a kept-alive connection was closed.")
        package static let tagFailures = Metric(
            "modelbroker_proxy_tag_failures_total", .counter,
            "Connections that the kernel did not put under their model's entry.")
        package static let acceptFailures = Metric(
            "modelbroker_proxy_accept_failures_total", .counter, "Connections not accepted for want of descriptors or memory.")
    }
}
