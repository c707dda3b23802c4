import Catalog

/// `models.NAME.qos`: what governs one model's traffic.
enum QoSSection {
    private static let keys = KnownKeys([
        "requests", "burst", "tokens", "tokenBurst", "connects", "connectBurst", "connections", "bandwidth", "priority",
        "dscp", "mode", "class",
    ])

    static func read(_ field: Field, _ reading: Reading) -> QoS {
        let fields = reading.members(field, keys)
        var qos = QoS()
        for (key, rate) in [("requests", \QoS.requests), ("tokens", \.tokens), ("connects", \.connects)] {
            qos[keyPath: rate] = value(fields[key], QoSText.rate, QoSText.rateForm, reading)
        }
        for (key, burst) in [("burst", \QoS.burst), ("tokenBurst", \.tokenBurst), ("connectBurst", \.connectBurst)] {
            qos[keyPath: burst] = value(fields[key], QoSText.burst, QoSText.burstForm, reading)
        }
        qos.connections = value(fields["connections"], QoSText.connections, QoSText.connectionsForm, reading)
        qos.bandwidth = value(fields["bandwidth"], QoSText.bandwidth, QoSText.bandwidthForm, reading)
        qos.priority = value(fields["priority"], QoSText.priority, QoSText.priorityForm, reading)
        qos.dscp = value(fields["dscp"], QoSText.dscp, QoSText.dscpForm, reading)
        qos.mode = value(fields["mode"], QoSText.mode, QoSText.modeForm, reading)
        qos.service = value(fields["class"], QoSText.service, QoSText.serviceForm, reading)
        check(qos, fields, reading)
        return qos
    }

    /// Only what was read as something can contradict itself; what was not has its fault already.
    private static func check(_ qos: QoS, _ fields: [String: Field], _ reading: Reading) {
        let needs = ["burst": "requests", "tokenBurst": "tokens", "connectBurst": "connects", "class": "bandwidth"]
        let read = [
            "requests": qos.requests != nil, "tokens": qos.tokens != nil, "connects": qos.connects != nil,
            "bandwidth": qos.bandwidth != nil,
        ]
        for fault in QoSCheck.faults(qos) {
            let needed = needs[fault.key]
            if let needed, fields[needed] != nil, read[needed] == false { continue }
            if let field = fields[fault.key] { reading.fault(field, fault.message) }
        }
    }

    private static func value<Value>(
        _ field: Field?, _ parse: (String) -> Value?, _ form: String, _ reading: Reading
    ) -> Value? {
        guard let field else { return nil }
        let located = reading.value(field) { text throws(Refusal) in
            guard let value = parse(text) else { throw Refusal("is not \(form)") }
            return value
        }
        return located?.value
    }
}
