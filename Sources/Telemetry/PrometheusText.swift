/// A page in Prometheus' text format, version 0.0.4.
///
/// Families come one after the other, each with its samples behind it; label values are escaped here and nowhere else.
package struct PrometheusText: MetricSink, Sendable {
    package typealias Label = MetricLabel

    package static let contentType = "text/plain; version=0.0.4; charset=utf-8"

    package private(set) var bytes: [UInt8] = []

    package init() {}

    package var text: String { String(decoding: bytes, as: UTF8.self) }

    /// Opens a family: its HELP and TYPE lines. Each family is opened once.
    package mutating func family(_ metric: Metric) {
        append("# HELP \(metric.name) \(metric.help)\n# TYPE \(metric.name) \(metric.kind.rawValue)\n")
    }

    /// One sample of the family opened last.
    package mutating func sample(_ metric: Metric, _ labels: [Label] = [], _ value: UInt64) {
        line(metric.name, labels, String(value))
    }

    /// One sample of the family opened last, of a time.
    package mutating func sample(_ metric: Metric, _ labels: [Label] = [], microseconds: UInt64) {
        line(metric.name, labels, Self.seconds(microseconds))
    }

    /// The samples of one histogram, times in seconds, cumulative as the format wants them.
    package mutating func histogram(
        _ metric: Metric, _ labels: [Label], _ histogram: Histogram, on scale: HistogramScale = .firstToken
    ) {
        var total: UInt64 = 0
        for (index, bound) in scale.bounds.enumerated() {
            total &+= histogram.counts[index]
            line(metric.name + "_bucket", labels + [("le", scale.text(bound))], String(total))
        }
        total &+= histogram.counts[scale.bounds.count]
        line(metric.name + "_bucket", labels + [("le", "+Inf")], String(total))
        line(metric.name + "_sum", labels, scale.text(histogram.sum))
        line(metric.name + "_count", labels, String(total))
    }

    /// Microseconds as seconds in decimal, with no more digits than needed: `0.25`, `2.5`, `10`.
    static func seconds(_ microseconds: UInt64) -> String {
        let fraction = microseconds % 1_000_000
        let whole = String(microseconds / 1_000_000)
        guard fraction > 0 else { return whole }
        let digits = String(fraction)
        var padded = String(repeating: "0", count: 6 - digits.count) + digits
        while padded.hasSuffix("0") { padded.removeLast() }
        return whole + "." + padded
    }

    private mutating func line(_ name: String, _ labels: [Label], _ value: String) {
        append(name)
        for (index, label) in labels.enumerated() {
            append(index == 0 ? "{" : ",")
            append(label.name)
            append("=\"")
            appendEscaped(label.value)
            append("\"")
        }
        append(labels.isEmpty ? " " : "} ")
        append(value)
        append("\n")
    }

    private mutating func append(_ text: String) { bytes.append(contentsOf: text.utf8) }

    /// Backslash, quote and newline have escapes. The other control characters have none and a NUL ends the page for
    /// some readers, so U+FFFD stands in for them.
    private mutating func appendEscaped(_ value: String) {
        for byte in value.utf8 {
            switch byte {
            case UInt8(ascii: "\\"): append("\\\\")
            case UInt8(ascii: "\""): append("\\\"")
            case UInt8(ascii: "\n"): append("\\n")
            case 0..<32, 127: append("\u{FFFD}")
            default: bytes.append(byte)
            }
        }
    }
}
