package import Catalog
internal import Configuration

/// Why the options of `qos set` cannot be used, one sentence each.
package struct QoSArgumentFaults: Error, Hashable, Sendable {
    package var faults: [String]
}

/// Reads the options of `qos set`: all of them, or none.
package enum QoSArguments {
    /// The fields that are given, and no others; a limit given as `none` is present and unlimited.
    package static func change(_ given: [(field: QoSField, value: String)]) throws(QoSArgumentFaults) -> QoS {
        guard !given.isEmpty else {
            let options = QoSField.allCases.map { "--\($0.optionName)" }.joined(separator: ", ")
            throw QoSArgumentFaults(faults: ["nothing to set: give at least one of \(options)"])
        }
        var change = QoS()
        var faults: [String] = []
        for (field, value) in given where !take(value, for: field, into: &change) {
            faults.append("--\(field.optionName) takes \(form(of: field)), not \"\(value.printable)\"")
        }
        guard faults.isEmpty else { throw QoSArgumentFaults(faults: faults) }
        return change
    }

    /// False: the value is none of that field.
    private static func take(_ text: String, for field: QoSField, into qos: inout QoS) -> Bool {
        switch field {
        case .requests: read(limit(text, QoSText.rate, none: .unlimited), into: &qos.requests)
        case .burst: read(QoSText.burst(text), into: &qos.burst)
        case .tokens: read(limit(text, QoSText.rate, none: .unlimited), into: &qos.tokens)
        case .tokenBurst: read(QoSText.burst(text), into: &qos.tokenBurst)
        case .connects: read(limit(text, QoSText.rate, none: .unlimited), into: &qos.connects)
        case .connectBurst: read(QoSText.burst(text), into: &qos.connectBurst)
        case .connections: read(limit(text, QoSText.connections, none: QoS.unlimited), into: &qos.connections)
        case .bandwidth: read(limit(text, QoSText.bandwidth, none: QoS.unlimited), into: &qos.bandwidth)
        case .priority: read(QoSText.priority(text), into: &qos.priority)
        case .dscp: read(QoSText.dscp(text), into: &qos.dscp)
        case .mode: read(QoSText.mode(text), into: &qos.mode)
        case .service: read(QoSText.service(text), into: &qos.service)
        }
    }

    private static func read<Value>(_ value: Value?, into place: inout Value?) -> Bool {
        place = value
        return value != nil
    }

    private static func limit<Value>(_ text: String, _ parse: (String) -> Value?, none: Value) -> Value? {
        text == QoSText.none ? none : parse(text)
    }

    private static func form(of field: QoSField) -> String {
        switch field {
        case .requests, .tokens, .connects: "none or \(QoSText.rateForm)"
        case .burst, .tokenBurst, .connectBurst: QoSText.burstForm
        case .connections: "none or \(QoSText.connectionsForm)"
        case .bandwidth: "none or \(QoSText.bandwidthForm)"
        case .priority: QoSText.priorityForm
        case .dscp: QoSText.dscpForm
        case .mode: QoSText.modeForm
        case .service: QoSText.serviceForm
        }
    }
}
