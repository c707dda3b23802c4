/// A label and its value as they are, not escaped.
package typealias MetricLabel = (name: String, value: String)

/// What a snapshot of all metrics is written to: the page that is scraped, or a message for somebody who cannot scrape.
///
/// Families come one after the other, each once, with its samples behind it.
package protocol MetricSink {
    /// Opens a family.
    mutating func family(_ metric: Metric)
    /// One sample of the family opened last.
    mutating func sample(_ metric: Metric, _ labels: [MetricLabel], _ value: UInt64)
    /// The same, of a time.
    mutating func sample(_ metric: Metric, _ labels: [MetricLabel], microseconds: UInt64)
    /// One histogram of the family opened last.
    mutating func histogram(
        _ metric: Metric, _ labels: [MetricLabel], _ histogram: Histogram, on scale: HistogramScale)
}

extension MetricSink {
    /// A family of a single sample.
    package mutating func single(_ metric: Metric, _ labels: [MetricLabel] = [], _ value: UInt64) {
        family(metric)
        sample(metric, labels, value)
    }

    /// A family of a single sample, of a time.
    package mutating func single(_ metric: Metric, _ labels: [MetricLabel] = [], microseconds: UInt64) {
        family(metric)
        sample(metric, labels, microseconds: microseconds)
    }
}

extension HistogramScale {
    /// A bound or a sum as programs have it: seconds, or tokens.
    func number(_ value: UInt64) -> Double {
        switch unit {
        case .microseconds: Double(value) / 1_000_000
        case .tokens: Double(value)
        }
    }

    /// The same as the page writes it.
    func text(_ value: UInt64) -> String {
        switch unit {
        case .microseconds: PrometheusText.seconds(value)
        case .tokens: String(value)
        }
    }
}

/// What may stand in a label's value wherever it goes: control characters have no form in some places, and a NUL ends the
/// page for some readers, so U+FFFD stands in for them.
enum LabelValue {
    static func printable(_ value: String) -> String {
        guard value.utf8.contains(where: { ($0 < 32 && $0 != 10) || $0 == 127 }) else { return value }
        var printable = ""
        for scalar in value.unicodeScalars {
            let isControl = (scalar.value < 32 && scalar.value != 10) || scalar.value == 127
            printable.unicodeScalars.append(isControl ? "\u{FFFD}" : scalar)
        }
        return printable
    }
}
