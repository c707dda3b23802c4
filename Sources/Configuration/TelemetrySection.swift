import Catalog

/// `node.otlp`: metrics and traces for a collector of OpenTelemetry.
enum TelemetrySection {
    private static let keys = KnownKeys(["endpoint", "traces", "metrics", "attributes"] + WebTargetReader.keys)
    private static let traceKeys = KnownKeys(["sample", "parent"])
    private static let metricKeys = KnownKeys(["interval"])

    /// nil: none, or after a fault.
    static func read(_ field: Field, _ reading: Reading) -> TelemetryExport? {
        guard !field.isNull else { return nil }
        let fields = reading.members(field, keys)
        guard case .mapping = field.value.content else { return nil }
        let target = WebTargetReader.read(field, fields, urlKey: "endpoint", example: "http://127.0.0.1:4318", reading)
        if let endpoint = fields["endpoint"], target?.url.contains("?") == true {
            reading.fault(endpoint, "has a query; /v1/traces and /v1/metrics are put behind it")
        }
        if fields["traces"] == nil, fields["metrics"] == nil {
            reading.fault(field, "sends nothing; write traces: {sample: 0.01}, metrics: {interval: 1m} or both")
        }
        let traces = fields["traces"].map { Self.traces($0, reading) }
        let metrics = fields["metrics"].map { field in
            var interval = 60_000
            reading.set(&interval, reading.members(field, metricKeys)["interval"], ExportText.interval)
            return interval
        }
        let attributes = fields["attributes"].map { ExportText.values($0, reading, ExportText.attribute) } ?? []
        return target.map { TelemetryExport(target: $0, attributes: attributes, traces: traces, metrics: metrics) }
    }

    private static func traces(_ field: Field, _ reading: Reading) -> Tracing {
        let fields = reading.members(field, traceKeys)
        var tracing = Tracing()
        reading.set(&tracing.sample, fields["sample"]) { text throws(Refusal) in
            guard let sample = try? NumberText.millionths(text), sample <= 1_000_000 else {
                throw Refusal("is not a part from 0 to 1 with at most six decimals, as 0.01")
            }
            return sample
        }
        reading.set(&tracing.followsParent, fields["parent"], NameText.truth)
        return tracing
    }
}
