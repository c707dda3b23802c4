package import Control

/// A model as `model list` and `model show` print it: the agent's report, and what the pinned maps say beside it.
package struct ModelDetail: Hashable, Sendable, Encodable {
    package var report: ModelReport
    /// nil: the model has no entry, or the maps cannot be read.
    package var qos: QoSReport?
    /// Of the direct path, by client; nil: likewise.
    package var direct: [DirectMeterReport]?

    package init(_ report: ModelReport, qos: QoSReport? = nil, direct: [DirectMeterReport]? = nil) {
        self.report = report
        self.qos = qos
        self.direct = direct
    }

    private enum Key: String, CodingKey { case qos, direct }

    /// One object: the members of the report, and two more.
    package func encode(to encoder: any Encoder) throws {
        try report.encode(to: encoder)
        var fields = encoder.container(keyedBy: Key.self)
        try fields.encodeIfPresent(qos, forKey: .qos)
        try fields.encodeIfPresent(direct, forKey: .direct)
    }

    /// What `modelbroker model show` prints.
    package func text(width: Int?) -> String {
        var parts = [report.text(width: width)]
        if let direct, !direct.isEmpty { parts.append(DirectMeterReport.table(direct, width: width)) }
        if let qos { parts.append(qos.text(width: width, beside: true)) }
        return parts.joined(separator: "\n")
    }
}
