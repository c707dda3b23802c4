/// A snapshot of all metrics as messages of Prometheus' remote write 1.0: `prometheus.WriteRequest` in Snappy's block format.
package struct RemoteWriteMessages: MetricSink, Sendable {
    /// One request's body.
    package struct Message: Hashable, Sendable {
        package var body: [UInt8]
        package var samples: UInt64
    }

    /// The fields of `prometheus.WriteRequest` and what is in it.
    private enum Field {
        static let series = 1
        static let metadata = 3
        static let labels = 1
        static let samples = 2
    }

    /// Samples of one message, as Prometheus sends them.
    package static let defaultLimit = 2000

    private let timestamp: Int64
    /// Of every series, but where it has one of that name itself.
    private let external: [MetricLabel]
    private let limit: Int
    private var writer = ProtobufWriter()
    private var samples: UInt64 = 0
    private var messages: [Message] = []

    /// - Parameters:
    ///   - timestamp: milliseconds since 1970 of all samples.
    ///   - labels: what every series has beside its own.
    ///   - limit: samples of one message, about: a histogram is never torn apart.
    package init(timestamp: Int64, labels: [MetricLabel] = [], limit: Int = defaultLimit) {
        self.timestamp = timestamp
        external = labels
        self.limit = max(1, limit)
    }

    package mutating func family(_ metric: Metric) {
        writer.message(Field.metadata) { metadata in
            metadata.varint(1, metric.kind.remoteWriteType)
            metadata.string(2, metric.name)
            metadata.string(4, metric.help)
        }
    }

    package mutating func sample(_ metric: Metric, _ labels: [MetricLabel], _ value: UInt64) {
        series(metric.name, labels, Double(value))
        flushIfFull()
    }

    package mutating func sample(_ metric: Metric, _ labels: [MetricLabel], microseconds: UInt64) {
        series(metric.name, labels, Double(microseconds) / 1_000_000)
        flushIfFull()
    }

    package mutating func histogram(
        _ metric: Metric, _ labels: [MetricLabel], _ histogram: Histogram, on scale: HistogramScale
    ) {
        var total: UInt64 = 0
        for (index, bound) in scale.bounds.enumerated() {
            total &+= histogram.counts[index]
            series(metric.name + "_bucket", labels + [("le", scale.text(bound))], Double(total))
        }
        total &+= histogram.counts[scale.bounds.count]
        series(metric.name + "_bucket", labels + [("le", "+Inf")], Double(total))
        series(metric.name + "_sum", labels, scale.number(histogram.sum))
        series(metric.name + "_count", labels, Double(total))
        flushIfFull()
    }

    /// All messages of the snapshot, in order.
    package mutating func finish() -> [Message] {
        flush()
        defer { messages = [] }
        return messages
    }

    private mutating func series(_ name: String, _ labels: [MetricLabel], _ value: Double) {
        let sorted = sorted(name, labels)
        writer.message(Field.series) { series in
            for label in sorted {
                series.message(Field.labels) {
                    $0.string(1, label.name)
                    $0.string(2, label.value)
                }
            }
            series.message(Field.samples) {
                $0.double(1, value)
                $0.int(2, timestamp)
            }
        }
        samples += 1
    }

    /// By name, each once, and none that is empty: that is how a label is missing.
    private func sorted(_ name: String, _ labels: [MetricLabel]) -> [MetricLabel] {
        var all: [MetricLabel] = [("__name__", name)]
        for label in labels where !label.value.isEmpty { all.append((label.name, LabelValue.printable(label.value))) }
        for label in external where !label.value.isEmpty && !labels.contains(where: { $0.name == label.name }) {
            all.append(label)
        }
        return all.sorted { $0.name.utf8.lexicographicallyPrecedes($1.name.utf8) }
    }

    private mutating func flushIfFull() { if samples >= UInt64(limit) { flush() } }

    private mutating func flush() {
        if samples > 0 { messages.append(Message(body: Snappy.compress(writer.bytes), samples: samples)) }
        writer.removeAll()
        samples = 0
    }
}

extension Metric.Kind {
    /// `MetricMetadata.MetricType`
    fileprivate var remoteWriteType: UInt64 {
        switch self {
        case .counter: 1
        case .gauge: 2
        case .histogram: 3
        }
    }
}
