internal import Control
internal import Telemetry

/// What `/metrics` shows of clients, quotas, credentials and the audit.
struct IdentityPage: Sendable {
    /// Quotas that have a series of their own.
    static let maximumQuotas = 1000

    var quotas: [QuotaReport] = []
    var isSuspended = false
    var staleCredentials: UInt64 = 0
    /// Audit lines of the agent's own, and those that did not arrive anywhere.
    var auditLines: UInt64 = 0
    var auditLost: UInt64 = 0

    func render(_ text: inout some MetricSink) {
        text.single(Metrics.Quota.suspended, [], isSuspended ? 1 : 0)
        text.single(Metrics.Identity.stale, [], staleCredentials)
        let values: [(Metric, KeyPath<QuotaReport, UInt64>)] = [
            (Metrics.Quota.used, \.used), (Metrics.Quota.limit, \.limit),
        ]
        for (metric, value) in values {
            text.family(metric)
            for quota in quotas.prefix(Self.maximumQuotas) { text.sample(metric, labels(quota), quota[keyPath: value]) }
        }
    }

    /// What only the proxy knows.
    ///
    /// - Parameter clients: by label.
    func render(_ numbers: ProxyStatistics, clients: [String: ClientCounters], _ text: inout some MetricSink) {
        text.single(Metrics.Identity.unauthenticated, [], numbers.unauthenticated)
        text.single(Metrics.Identity.conflicts, [], numbers.identityConflicts)
        text.single(Metrics.Identity.tokensChecked, [], numbers.tokensChecked)
        text.single(Metrics.Identity.handshakes, [], numbers.tlsHandshakes)
        text.single(Metrics.Identity.handshakeFailures, [], numbers.tlsHandshakeFailures)
        text.single(Metrics.Audit.lines, [], numbers.auditLines + auditLines)
        text.family(Metrics.Audit.dropped)
        text.sample(Metrics.Audit.dropped, [(Metrics.Label.reason, "proxy")], numbers.auditDropped)
        text.sample(Metrics.Audit.dropped, [(Metrics.Label.reason, "sink")], auditLost)
        renderClients(clients.sorted { $0.key < $1.key }, &text)
    }

    private func renderClients(_ clients: [(key: String, value: ClientCounters)], _ text: inout some MetricSink) {
        let plain: [(Metric, KeyPath<ClientCounters, UInt64>)] = [
            (Metrics.Client.requests, \.requests), (Metrics.Client.active, \.active), (Metrics.Client.cost, \.cost),
        ]
        for (metric, value) in plain {
            text.family(metric)
            for (name, counters) in clients {
                text.sample(metric, [(Metrics.Label.client, name)], counters[keyPath: value])
            }
        }
        let refusals: [(String, KeyPath<ClientCounters, UInt64>)] = [
            ("access", \.accessRefused), ("rate", \.rateRefused), ("tokens", \.tokenRefused),
            ("concurrency", \.concurrencyRefused), ("quota", \.quotaRefused), ("other", \.otherRefused),
        ]
        render(Metrics.Client.refused, Metrics.Label.reason, refusals, clients, &text)
        let tokens: [(String, KeyPath<ClientCounters, UInt64>)] = [
            ("requests", \.inputTokens), ("responses", \.outputTokens),
        ]
        render(Metrics.Client.tokens, Metrics.Label.direction, tokens, clients, &text)
    }

    private func render(
        _ metric: Metric, _ label: String, _ values: [(String, KeyPath<ClientCounters, UInt64>)],
        _ clients: [(key: String, value: ClientCounters)], _ text: inout some MetricSink
    ) {
        text.family(metric)
        for (name, counters) in clients {
            for (value, path) in values {
                text.sample(metric, [(Metrics.Label.client, name), (label, value)], counters[keyPath: path])
            }
        }
    }

    private func labels(_ quota: QuotaReport) -> [PrometheusText.Label] {
        [
            (Metrics.Label.client, quota.client ?? ""), (Metrics.Label.model, quota.model ?? ""),
            (Metrics.Label.period, quota.period), (Metrics.Label.unit, quota.unit),
        ]
    }
}
