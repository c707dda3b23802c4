internal import Control
internal import Telemetry

/// What `/metrics` shows of how others are told, and of certificates.
struct ExportPage: Sendable {
    /// Files of certificates that have a series of their own, at most.
    static let maximumFiles = 1000

    var reports: [ExportReport] = []
    var certificates: [CertificateReport] = []

    /// - Parameter statistics: nil: the proxy does not answer.
    func render(_ statistics: ProxyStatistics?, _ text: inout some MetricSink) {
        text.family(Metrics.Certificate.expiry)
        for certificate in certificates.prefix(Self.maximumFiles) {
            let labels = [(Metrics.Label.file, certificate.file), (Metrics.Label.use, certificate.use)]
            text.sample(Metrics.Certificate.expiry, labels, UInt64(clamping: certificate.expires))
        }
        if let statistics {
            text.single(Metrics.Export.spans, [], statistics.spans)
            text.single(Metrics.Export.spansDropped, [], statistics.spansDropped)
        }
        text.family(Metrics.Export.items)
        for report in reports {
            let outcomes = [("sent", report.sent), ("refused", report.refused), ("dropped", report.dropped)]
            for (outcome, value) in outcomes {
                let labels = [(Metrics.Label.export, report.name), (Metrics.Label.outcome, outcome)]
                text.sample(Metrics.Export.items, labels, value)
            }
        }
        let plain: [(Metric, KeyPath<ExportReport, UInt64>)] = [
            (Metrics.Export.failures, \.failures), (Metrics.Export.waiting, \.waitingBytes),
        ]
        for (metric, value) in plain {
            text.family(metric)
            for report in reports { text.sample(metric, [(Metrics.Label.export, report.name)], report[keyPath: value]) }
        }
        text.family(Metrics.Export.lastSuccess)
        for report in reports {
            guard let time = report.lastSuccess else { continue }
            text.sample(Metrics.Export.lastSuccess, [(Metrics.Label.export, report.name)], time)
        }
    }
}
