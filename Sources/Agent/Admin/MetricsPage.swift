internal import Control
internal import Telemetry

/// What `/metrics` shows, gathered; and how it is written.
struct MetricsPage: Sendable {
    var generation: UInt64 = 0
    var reloadSucceeded = true
    var isReady = false
    var eventsSuppressed: UInt64 = 0
    var kernelCounters: [(name: String, value: UInt64)] = []
    var listeners: [(name: String, alive: Bool)] = []
    var rules: [(name: String, counters: CaptureReport.Counters)] = []
    /// By label.
    var models: [String: ModelCounters] = [:]
    /// By label.
    var clients: [String: ClientCounters] = [:]
    var identity = IdentityPage()
    var cluster = ClusterPage()
    var restarts: UInt64 = 0
    /// Proxies that have been replaced and drain.
    var draining: UInt64 = 0
    /// nil: nobody has wanted the proxy replaced.
    var lastReplacementSucceeded: Bool?
    /// nil: the kernel plane does not answer.
    var governed: GovernedPage?
    /// nil: the proxy does not answer.
    var routing: RoutingPage?
    var sharing = SharingPage()
    var export = ExportPage()
    /// nil: the proxy does not answer, and what only it knows is left out.
    var statistics: ProxyStatistics?

    func render() -> PrometheusText {
        var text = PrometheusText()
        render(&text)
        return text
    }

    /// Writes the same wherever it is wanted.
    func render(_ text: inout some MetricSink) {
        text.single(Metrics.buildInfo, [(Metrics.Label.version, Version.current)], 1)
        text.single(Metrics.generation, [], generation)
        text.single(Metrics.reloadSuccess, [], reloadSucceeded ? 1 : 0)
        text.single(Metrics.ready, [], isReady ? 1 : 0)
        text.single(Metrics.eventsSuppressed, [], eventsSuppressed)
        renderKernel(&text)
        governed?.render(&text)
        identity.render(&text)
        cluster.render(&text)
        text.single(Metrics.Proxy.up, [], statistics == nil ? 0 : 1)
        text.single(Metrics.Proxy.restarts, [], restarts)
        text.single(Metrics.Proxy.draining, [], draining)
        text.family(Metrics.Proxy.replaced)
        if let lastReplacementSucceeded { text.sample(Metrics.Proxy.replaced, [], lastReplacementSucceeded ? 1 : 0) }
        if let statistics {
            renderProxy(statistics, &text)
            renderModels(&text)
            identity.render(statistics, clients: clients, &text)
        }
        routing?.render(&text)
        sharing.render(&text)
        export.render(statistics, &text)
    }

    private func renderKernel(_ text: inout some MetricSink) {
        text.family(Metrics.Kernel.counters)
        for (name, value) in kernelCounters { text.sample(Metrics.Kernel.counters, [(Metrics.Label.event, name)], value) }
        text.family(Metrics.Kernel.listenerAlive)
        for (name, alive) in listeners {
            text.sample(Metrics.Kernel.listenerAlive, [(Metrics.Label.listener, name)], alive ? 1 : 0)
        }
        text.family(Metrics.Kernel.ruleConnections)
        for (name, counters) in rules {
            let outcomes = [
                ("captured", counters.captured), ("denied", counters.denied), ("direct", counters.direct),
                ("refused", counters.refused),
            ]
            for (outcome, value) in outcomes {
                text.sample(
                    Metrics.Kernel.ruleConnections, [(Metrics.Label.rule, name), (Metrics.Label.outcome, outcome)], value)
            }
        }
    }

    private func renderProxy(_ numbers: ProxyStatistics, _ text: inout some MetricSink) {
        text.single(Metrics.Proxy.processorTime, [], microseconds: numbers.processorMicroseconds)
        text.single(Metrics.Proxy.uptime, [], numbers.uptimeMilliseconds / 1000)
        text.single(Metrics.Proxy.openConnections, [], numbers.openConnections)
        text.single(Metrics.Proxy.resident, [], numbers.residentBytes)
        text.single(Metrics.Proxy.descriptors, [], numbers.descriptors)
        text.family(Metrics.Proxy.accepted)
        text.sample(Metrics.Proxy.accepted, [(Metrics.Label.entrance, "capture")], numbers.acceptedCaptured)
        text.sample(Metrics.Proxy.accepted, [(Metrics.Label.entrance, "gateway")], numbers.acceptedGateway)
        text.single(Metrics.Proxy.withoutOrigin, [], numbers.withoutOrigin)
        text.single(Metrics.Proxy.opaque, [], numbers.opaque)
        text.single(Metrics.Proxy.unnamed, [], numbers.unnamed)
        text.single(Metrics.Proxy.refused, [], numbers.refused)
        text.single(Metrics.Proxy.upstreamConnects, [], numbers.upstreamConnects)
        text.single(Metrics.Proxy.upstreamReuses, [], numbers.upstreamReuses)
        text.single(Metrics.Proxy.upstreamFailures, [], numbers.upstreamConnectFailures)
        text.single(Metrics.Proxy.staleRetries, [], numbers.staleRetries)
        text.single(Metrics.Proxy.acceptFailures, [], numbers.acceptFailures)
        text.single(Metrics.Proxy.tagFailures, [], numbers.tagFailures)
    }

    private func renderModels(_ text: inout some MetricSink) {
        let models = models.sorted { $0.key < $1.key }
        let plain: [(Metric, KeyPath<ModelCounters, UInt64>)] = [
            (Metrics.Model.requests, \.requests), (Metrics.Model.broken, \.broken), (Metrics.Model.cancelled, \.cancelled),
            (Metrics.Model.received, \.bytesIn), (Metrics.Model.sent, \.bytesOut), (Metrics.Model.active, \.active),
        ]
        for (metric, value) in plain {
            text.family(metric)
            for (name, counters) in models { text.sample(metric, [(Metrics.Label.model, name)], counters[keyPath: value]) }
        }
        text.family(Metrics.Model.responses)
        for (name, counters) in models {
            let classes = [
                ("2xx", counters.status2xx), ("3xx", counters.status3xx), ("4xx", counters.status4xx),
                ("5xx", counters.status5xx),
            ]
            for (status, value) in classes {
                text.sample(
                    Metrics.Model.responses, [(Metrics.Label.model, name), (Metrics.Label.statusClass, status)], value)
            }
        }
        text.family(Metrics.Model.limited)
        for (name, counters) in models {
            let reasons = [
                ("requests", counters.rateLimited), ("tokens", counters.tokenLimited), ("access", counters.accessRefused),
            ]
            for (reason, value) in reasons {
                text.sample(Metrics.Model.limited, [(Metrics.Label.model, name), (Metrics.Label.reason, reason)], value)
            }
        }
        renderTokens(models, &text)
        let histograms: [(Metric, KeyPath<ModelCounters, Histogram>, HistogramScale)] = [
            (Metrics.Model.firstByte, \.firstByte, .firstToken), (Metrics.Model.duration, \.duration, .request),
            (Metrics.Model.dispatch, \.dispatch, .firstToken), (Metrics.Model.tokenTime, \.tokenTime, .outputToken),
        ]
        for (metric, histogram, scale) in histograms {
            text.family(metric)
            for (name, counters) in models {
                Self.render(metric, [(Metrics.Label.model, name)], counters[keyPath: histogram], scale, &text)
            }
        }
    }

    private func renderTokens(_ models: [(key: String, value: ModelCounters)], _ text: inout some MetricSink) {
        text.family(Metrics.Model.tokens)
        for (name, counters) in models {
            for (type, value) in [("input", counters.inputTokens), ("output", counters.outputTokens)] {
                text.sample(
                    Metrics.Model.tokens, [(Metrics.Label.model, name), (Metrics.Label.tokenType, type)], value)
            }
        }
        text.family(Metrics.Model.usage)
        for (name, counters) in models {
            for (type, use) in [("input", counters.inputUse), ("output", counters.outputUse)] {
                let labels = [(Metrics.Label.model, name), (Metrics.Label.tokenType, type)]
                Self.render(Metrics.Model.usage, labels, use, .tokens, &text)
            }
        }
    }

    /// A histogram is a score of lines: one that has nothing says nothing, as there may be a thousand models.
    private static func render(
        _ metric: Metric, _ labels: [PrometheusText.Label], _ histogram: Histogram, _ scale: HistogramScale,
        _ text: inout some MetricSink
    ) {
        guard histogram.count > 0 else { return }
        text.histogram(metric, labels, histogram, on: scale)
    }
}
