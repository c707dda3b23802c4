package import Catalog
internal import Configuration

/// An entry as it came about: the configuration's, what was set by hand over it, and what is in force.
package struct QoSSettings: Hashable, Sendable {
    package var configured: QoS
    package var live: QoS
    package var inForce: QoS

    package init(configured: QoS = QoS(), live: QoS = QoS(), inForce: QoS = QoS()) {
        self.configured = configured
        self.live = live
        self.inForce = inForce
    }

    /// By `QoSField`.
    package var byName: [String: QoSReport.Setting] {
        Dictionary(uniqueKeysWithValues: QoSField.allCases.map { ($0.rawValue, setting($0)) })
    }

    private func setting(_ field: QoSField) -> QoSReport.Setting {
        let configured = field.text(in: configured)
        let live = field.text(in: live)
        return QoSReport.Setting(
            value: Self.value(of: field, in: inForce), amount: Self.amount(of: field, in: inForce),
            source: live != nil ? .live : configured != nil ? .file : .default, configured: configured, live: live)
    }

    /// What is in force where `qos` is; what is said nowhere has a value, too.
    package static func value(of field: QoSField, in qos: QoS) -> String {
        if let text = field.text(in: qos) { return text }
        switch field {
        case .requests, .tokens, .connects, .connections, .bandwidth: return QoSText.none
        case .burst: return burst(of: qos.requests, tenths: 1).map(String.init) ?? QoSText.none
        case .tokenBurst: return burst(of: qos.tokens, tenths: 10).map(String.init) ?? QoSText.none
        case .connectBurst: return burst(of: qos.connects, tenths: 1).map(String.init) ?? QoSText.none
        // The application's own stay.
        case .priority, .dscp: return QoSText.none
        case .mode: return QoS.Mode.enforce.rawValue
        case .service: return QoS.Service.bestEffort.rawValue
        }
    }

    private static func amount(of field: QoSField, in qos: QoS) -> Double? {
        if let amount = field.amount(in: qos) { return amount }
        switch field {
        case .burst, .tokenBurst, .connectBurst: return Double(value(of: field, in: qos))
        default: return nil
        }
    }

    /// So many tenths of a second's worth, at least one.
    private static func burst(of rate: Rate?, tenths: Double) -> UInt64? {
        guard let perSecond = rate.flatMap(QoSText.perSecond) else { return nil }
        return UInt64(exactly: (perSecond * tenths / 10).rounded(.down)).map { max(1, $0) }
    }
}
