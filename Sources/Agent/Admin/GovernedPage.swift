internal import Catalog
internal import KernelPlane
internal import Telemetry

/// What `/metrics` shows of the models' entries and of the path direct.
struct GovernedPage: Sendable {
    struct Entry: Sendable {
        let label: String
        let qos: ModelQoS
    }

    /// What a client did at a model, past the proxy.
    struct Meter: Sendable {
        var model: String
        /// Empty: no client.
        var client: String
        var connections: UInt64 = 0
        var requests: UInt64 = 0
        /// By class of status; the first: no status that could be made out.
        var statuses: [UInt64] = []
        var bytesSent: UInt64 = 0
        var bytesReceived: UInt64 = 0
        var unfollowed: UInt64 = 0
        var firstBytes: UInt64 = 0
        var firstByteNanoseconds: UInt64 = 0
    }

    struct Endpoint: Sendable {
        var model: String
        var address: SocketAddress
        var usable: Bool
        var open: UInt64 = 0
        var picked: UInt64 = 0
        var failed: UInt64 = 0
    }

    var entries: [Entry] = []
    /// Names of clients by number.
    var clients: [UInt32: String] = [:]
    var meters: [Meter] = []
    var endpoints: [Endpoint] = []
    /// Models that need an entry and have none.
    var ungoverned: UInt64 = 0
    var isFaulty = false

    func render(_ text: inout some MetricSink) {
        text.single(Metrics.QoS.fault, [], isFaulty ? 1 : 0)
        text.single(Metrics.QoS.ungoverned, [], ungoverned)
        renderLimits(&text)
        renderConnections(&text)
        renderBandwidth(&text)
        renderMeters(&text)
        renderEndpoints(&text)
    }

    /// Kinds without a limit are left out, unless one was in force before and has counted something.
    private func renderLimits(_ text: inout some MetricSink) {
        let buckets = entries.flatMap { entry in
            LimitKind.allCases.compactMap { kind -> (labels: [PrometheusText.Label], reading: BucketReading)? in
                guard let reading = entry.qos.buckets[kind] else { return nil }
                let counted = reading.admitted + reading.refused + reading.observed
                guard reading.capacity != nil || counted > 0 else { return nil }
                return ([(Metrics.Label.model, entry.label), (Metrics.Label.kind, "\(kind)")], reading)
            }
        }
        text.family(Metrics.QoS.units)
        for (labels, reading) in buckets {
            let outcomes = [("admitted", reading.admitted), ("refused", reading.refused), ("observed", reading.observed)]
            for (outcome, value) in outcomes {
                text.sample(Metrics.QoS.units, labels + [(Metrics.Label.outcome, outcome)], value)
            }
        }
        text.family(Metrics.QoS.level)
        for (labels, reading) in buckets { if let level = reading.level { text.sample(Metrics.QoS.level, labels, level) } }
        text.family(Metrics.QoS.capacity)
        for (labels, reading) in buckets {
            if let capacity = reading.capacity { text.sample(Metrics.QoS.capacity, labels, capacity) }
        }
    }

    private func renderConnections(_ text: inout some MetricSink) {
        let plain: [(Metric, KeyPath<ModelQoS, UInt64>)] = [
            (Metrics.QoS.connects, \.connects), (Metrics.QoS.open, \.open), (Metrics.QoS.overCap, \.observedConnections),
            (Metrics.QoS.tagged, \.tagged), (Metrics.QoS.applyFailures, \.applyFailed),
        ]
        for (metric, value) in plain {
            text.family(metric)
            for entry in entries { text.sample(metric, [(Metrics.Label.model, entry.label)], entry.qos[keyPath: value]) }
        }
        text.family(Metrics.QoS.refusals)
        for entry in entries {
            for refusal in entry.qos.refusals {
                let labels = [
                    (Metrics.Label.model, entry.label), (Metrics.Label.client, clients[refusal.client] ?? ""),
                    (Metrics.Label.reason, refusal.reason.text),
                ]
                text.sample(Metrics.QoS.refusals, labels, refusal.count)
            }
        }
    }

    private func renderBandwidth(_ text: inout some MetricSink) {
        text.family(Metrics.QoS.active)
        for entry in entries { sample(Metrics.QoS.active, entry.label, entry.qos.active, &text) }
        text.family(Metrics.QoS.share)
        for entry in entries { if let share = entry.qos.share { sample(Metrics.QoS.share, entry.label, share, &text) } }
    }

    private func sample(_ metric: Metric, _ model: String, _ legs: ModelQoS.Legs, _ text: inout some MetricSink) {
        for (direction, value) in [("requests", legs.requests), ("responses", legs.responses)] {
            text.sample(metric, [(Metrics.Label.model, model), (Metrics.Label.direction, direction)], value)
        }
    }

    private func renderMeters(_ text: inout some MetricSink) {
        let plain: [(Metric, KeyPath<Meter, UInt64>)] = [
            (Metrics.Direct.connections, \.connections), (Metrics.Direct.requests, \.requests),
            (Metrics.Direct.sent, \.bytesSent),
            (Metrics.Direct.received, \.bytesReceived), (Metrics.Direct.unfollowed, \.unfollowed),
            (Metrics.Direct.firstBytes, \.firstBytes),
        ]
        for (metric, value) in plain {
            text.family(metric)
            for meter in meters { text.sample(metric, labels(meter), meter[keyPath: value]) }
        }
        text.family(Metrics.Direct.firstByteTime)
        for meter in meters {
            text.sample(Metrics.Direct.firstByteTime, labels(meter), microseconds: meter.firstByteNanoseconds / 1000)
        }
        text.family(Metrics.Direct.responses)
        for meter in meters {
            for (index, count) in meter.statuses.enumerated() {
                let status = index == 0 ? "other" : "\(index)xx"
                text.sample(Metrics.Direct.responses, labels(meter) + [(Metrics.Label.statusClass, status)], count)
            }
        }
    }

    private func labels(_ meter: Meter) -> [PrometheusText.Label] {
        [(Metrics.Label.model, meter.model), (Metrics.Label.client, meter.client)]
    }

    private func renderEndpoints(_ text: inout some MetricSink) {
        let plain: [(Metric, (Endpoint) -> UInt64)] = [
            (Metrics.Direct.usable, { $0.usable ? 1 : 0 }), (Metrics.Direct.open, \.open), (Metrics.Direct.picked, \.picked),
            (Metrics.Direct.failed, \.failed),
        ]
        for (metric, value) in plain {
            text.family(metric)
            for endpoint in endpoints {
                let labels = [(Metrics.Label.model, endpoint.model), (Metrics.Label.endpoint, "\(endpoint.address)")]
                text.sample(metric, labels, value(endpoint))
            }
        }
    }
}
