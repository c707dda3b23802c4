/// A snapshot of all metrics as requests of OTLP. All sums are cumulative; when they began is not said, since what the kernel
/// counts, what the proxy counts and what outlives both began at different times, and nobody may take the restart of one for
/// that of another.
package struct OTLPMetrics: MetricSink, Sendable {
    package struct Message: Hashable, Sendable {
        package var body: [UInt8]
        package var points: UInt64
    }

    private enum Field {
        static let metric = 2
        static let gauge = 5
        static let sum = 7
        static let histogram = 9
        static let points = 1
    }

    private static let cumulative: UInt64 = 2

    private let origin: OTLP.Origin
    private let nanoseconds: UInt64
    private let limit: Int
    private var family: Metric?
    private var points = ProtobufWriter()
    private var metrics = ProtobufWriter()
    private var count: UInt64 = 0
    private var messages: [Message] = []

    /// - Parameters:
    ///   - timestamp: milliseconds since 1970 of all points.
    ///   - limit: points of one message, about.
    package init(_ origin: OTLP.Origin, timestamp: Int64, limit: Int = 2000) {
        self.origin = origin
        nanoseconds = UInt64(max(0, timestamp)) * 1_000_000
        self.limit = max(1, limit)
    }

    package mutating func family(_ metric: Metric) {
        closeFamily()
        family = metric
    }

    package mutating func sample(_ metric: Metric, _ labels: [MetricLabel], _ value: UInt64) {
        point(metric, labels) { $0.fixed64(6, UInt64(bitPattern: Int64(clamping: value))) }
    }

    package mutating func sample(_ metric: Metric, _ labels: [MetricLabel], microseconds: UInt64) {
        point(metric, labels) { $0.double(4, Double(microseconds) / 1_000_000) }
    }

    private mutating func point(_ metric: Metric, _ labels: [MetricLabel], _ value: (inout ProtobufWriter) -> Void) {
        let nanoseconds = nanoseconds
        points.message(Field.points) { point in
            point.fixed64(3, nanoseconds)
            value(&point)
            Self.attributes(7, metric, labels, &point)
        }
        counted()
    }

    package mutating func histogram(
        _ metric: Metric, _ labels: [MetricLabel], _ histogram: Histogram, on scale: HistogramScale
    ) {
        let nanoseconds = nanoseconds
        points.message(Field.points) { point in
            point.fixed64(3, nanoseconds)
            point.fixed64(4, histogram.count)
            point.double(5, scale.number(histogram.sum))
            point.packed(6, fixed64: (0...scale.bounds.count).map { histogram.counts[$0] })
            point.packed(7, fixed64: scale.bounds.map { scale.number($0).bitPattern })
            Self.attributes(9, metric, labels, &point)
        }
        counted()
    }

    package mutating func finish() -> [Message] {
        closeFamily()
        flush()
        defer { messages = [] }
        return messages
    }

    private static func attributes(
        _ field: Int, _ metric: Metric, _ labels: [MetricLabel], _ point: inout ProtobufWriter
    ) {
        for label in labels where !label.value.isEmpty {
            point.attribute(field, OTLPNames.attribute(label.name, of: metric), LabelValue.printable(label.value))
        }
    }

    /// A family goes on in the next message where it does not fit.
    private mutating func counted() {
        count += 1
        guard count >= UInt64(limit) else { return }
        let metric = family
        closeFamily()
        flush()
        family = metric
    }

    private mutating func closeFamily() {
        guard let metric = family, !points.isEmpty else { return family = nil }
        let held = points.bytes
        metrics.message(Field.metric) { message in
            message.string(1, OTLPNames.name(metric))
            message.string(2, metric.help)
            if let unit = OTLPNames.unit(metric) { message.string(3, unit) }
            switch metric.kind {
            case .gauge: message.message(Field.gauge) { $0.raw(held) }
            case .counter:
                message.message(Field.sum) {
                    $0.raw(held)
                    $0.varint(2, Self.cumulative)
                    $0.bool(3, true)
                }
            case .histogram:
                message.message(Field.histogram) {
                    $0.raw(held)
                    $0.varint(2, Self.cumulative)
                }
            }
        }
        points.removeAll()
        family = nil
    }

    private mutating func flush() {
        if !metrics.isEmpty { messages.append(Message(body: OTLP.request(origin, items: metrics.bytes), points: count)) }
        metrics.removeAll()
        count = 0
    }
}

/// What metrics and labels are called in OTLP: those of the conventions for generative AI by their own names, which Prometheus
/// turns into those of the page; all others as on the page.
enum OTLPNames {
    private static let names: [String: (name: String, unit: String)] = [
        "gen_ai_server_time_to_first_token_seconds": ("gen_ai.server.time_to_first_token", "s"),
        "gen_ai_server_request_duration_seconds": ("gen_ai.server.request.duration", "s"),
        "gen_ai_server_time_per_output_token_seconds": ("gen_ai.server.time_per_output_token", "s"),
        "gen_ai_client_token_usage": ("gen_ai.client.token.usage", "{token}"),
    ]

    static func name(_ metric: Metric) -> String { names[metric.name]?.name ?? metric.name }

    static func unit(_ metric: Metric) -> String? { names[metric.name]?.unit }

    static func attribute(_ label: String, of metric: Metric) -> String {
        guard names[metric.name] != nil else { return label }
        switch label {
        case Metrics.Label.model: return "gen_ai.request.model"
        case Metrics.Label.tokenType: return "gen_ai.token.type"
        default: return label
        }
    }
}
