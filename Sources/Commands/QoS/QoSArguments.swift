package import Catalog

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
        case .mode: read(QoS.Mode(rawValue: text), into: &qos.mode)
        case .service: read(QoS.Service(rawValue: text), into: &qos.service)
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
        case .requests, .tokens, .connects:
            "none or a rate (100/s, 6000/m, 50000/h, 1000000/d; 0/s refuses everything)"
        case .burst, .tokenBurst, .connectBurst: "a whole number, at least 1"
        case .connections: "none or a whole number (0 admits no connection)"
        case .bandwidth:
            "none or a bandwidth (50MiB/s, 200Mbit/s, 500KB/s; to stop a model use --connects 0/s)"
        case .priority: "high, normal, low, or a number from 0 to 7"
        case .dscp: "a number from 0 to 63"
        case .mode: "enforce or observe"
        case .service: "guaranteed, burstable or best-effort"
        }
    }
}
