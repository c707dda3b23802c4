internal import Catalog
internal import Control
internal import Telemetry

/// What `/metrics` shows of groups, queues, limits and servers on demand.
struct SharingPage: Sendable {
    /// Queues, and servers, that have series of their own, at most.
    var maximumQueues = 1000
    var maximumEngines = 1000

    struct Load: Sendable {
        let key: EndpointKey
        let value: UInt32
    }

    /// Those of models that have a label of their own.
    var queues: [QueueRecord] = []
    var engines: [EngineReport] = []
    /// What engines say themselves.
    var loads: [Load] = []

    func render(_ text: inout some MetricSink) {
        renderQueues(queues.prefix(maximumQueues), &text)
        renderEngines(engines.prefix(maximumEngines), &text)
        text.family(Metrics.Slots.load)
        for load in loads.prefix(maximumEngines) {
            let labels = [
                (Metrics.Label.endpoint, load.key.address.description), (Metrics.Label.url, load.key.url),
            ]
            text.sample(Metrics.Slots.load, labels, UInt64(load.value))
        }
    }

    private func renderQueues(_ queues: ArraySlice<QueueRecord>, _ text: inout some MetricSink) {
        let plain: [(Metric, KeyPath<QueueRecord, UInt64>)] = [
            (Metrics.Queue.waiting, \.waiting), (Metrics.Queue.bytes, \.bytes),
            (Metrics.Queue.active, \.inFlight), (Metrics.Queue.tokens, \.tokens),
        ]
        for (metric, value) in plain {
            text.family(metric)
            for queue in queues { text.sample(metric, labels(queue), queue[keyPath: value]) }
        }
        text.family(Metrics.Queue.oldest)
        for queue in queues { text.sample(Metrics.Queue.oldest, labels(queue), microseconds: queue.oldest &* 1000) }
        text.family(Metrics.Queue.slots)
        var seen: Set<String> = []
        for queue in queues {
            guard let limit = queue.limit, seen.insert(queue.model).inserted else { continue }
            text.sample(Metrics.Queue.slots, [(Metrics.Label.model, queue.model)], limit)
        }
        text.family(Metrics.Queue.entitlement)
        for queue in queues where queue.limit != nil {
            text.sample(Metrics.Queue.entitlement, labels(queue), queue.entitlement)
        }
        render(
            Metrics.Queue.granted, Metrics.Label.outcome, [("immediate", \.immediate), ("waited", \.granted)], queues, &text)
        render(
            Metrics.Queue.ended, Metrics.Label.reason,
            [("full", \.full), ("expired", \.expired), ("shed", \.shed), ("left", \.left)], queues, &text)
        text.family(Metrics.Queue.waits)
        for queue in queues { text.histogram(Metrics.Queue.waits, labels(queue), queue.waits, on: .firstToken) }
    }

    private func render(
        _ metric: Metric, _ label: String, _ values: [(String, KeyPath<QueueRecord, UInt64>)],
        _ queues: ArraySlice<QueueRecord>, _ text: inout some MetricSink
    ) {
        text.family(metric)
        for queue in queues {
            for (value, path) in values { text.sample(metric, labels(queue) + [(label, value)], queue[keyPath: path]) }
        }
    }

    private func renderEngines(_ engines: ArraySlice<EngineReport>, _ text: inout some MetricSink) {
        text.family(Metrics.Server.phase)
        for engine in engines {
            text.sample(Metrics.Server.phase, [(Metrics.Label.url, engine.url), (Metrics.Label.phase, engine.phase)], 1)
        }
        text.family(Metrics.Server.starts)
        for engine in engines { text.sample(Metrics.Server.starts, [(Metrics.Label.url, engine.url)], engine.starts) }
        text.family(Metrics.Server.crashes)
        for engine in engines { text.sample(Metrics.Server.crashes, [(Metrics.Label.url, engine.url)], engine.crashes) }
    }

    private func labels(_ queue: QueueRecord) -> [PrometheusText.Label] {
        [(Metrics.Label.model, queue.model), (Metrics.Label.group, queue.group)]
    }
}
