import Catalog

/// `node`: where and how the broker runs.
struct NodeSection {
    private static let keys = KnownKeys(
        [
            "cgroup", "brokerCgroup", "listen", "podAddress", "gateway", "admin", "proxy", "user", "workers", "timeouts", "drain",
            "maxBody", "qdisc", "kubernetes", "remoteWrite", "otlp", "events",
        ])
    private static let qdiscKeys = KnownKeys(["device", "kind", "rate"])

    private static let timeouts: [(key: String, path: any WritableKeyPath<Timeouts, Int> & Sendable)] = [
        ("head", \.head), ("bodyIdle", \.bodyIdle), ("keepAlive", \.keepAlive), ("connect", \.connect),
        ("response", \.response), ("upstreamIdle", \.upstreamIdle), ("sniff", \.sniff),
    ]

    private let reading: Reading
    private var node = Node()

    private init(_ reading: Reading) { self.reading = reading }

    static func read(_ field: Field, _ reading: Reading) -> Node {
        var section = NodeSection(reading)
        let fields = reading.members(field, keys)
        section.readCgroups(fields)
        section.readAddresses(fields)
        section.readProxy(fields)
        if let qdisc = fields["qdisc"] { section.readQdisc(qdisc) }
        section.node.kubernetes = fields["kubernetes"].flatMap { ClusterSection.read($0, reading) }
        section.node.remoteWrite = fields["remoteWrite"].flatMap { RemoteWriteSection.read($0, reading) }
        section.node.otlp = fields["otlp"].flatMap { TelemetrySection.read($0, reading) }
        section.node.events = fields["events"].flatMap { EventsSection.read($0, reading) }
        return section.node
    }

    private mutating func readCgroups(_ fields: [String: Field]) {
        reading.set(&node.cgroup, fields["cgroup"], NameText.cgroup)
        guard let field = fields["brokerCgroup"], let broker = reading.value(field, NameText.cgroup) else { return }
        node.brokerCgroup = broker.value
        // Both by components: `/a` holds `/a/b`, not `/ab`.
        guard broker.value != "/", !(node.cgroup + "/").hasPrefix(broker.value + "/") else {
            let message = "\(broker.shown) holds all of node.cgroup, and the broker's own cgroup is exempt from capture: "
            return reading.fault(field, message + "nothing would be captured")
        }
    }

    private mutating func readAddresses(_ fields: [String: Field]) {
        let listen = reading.values(fields["listen"], AddressText.socketAddress)
        let pods = reading.values(fields["podAddress"], AddressText.address)
        let gateway = GatewaySection.read(fields["gateway"], reading)
        let admin = fields["admin"].flatMap { reading.value($0, AddressText.socketAddress) }
        if let field = fields["listen"], field.isEmptyList {
            reading.fault(
                field, "is empty; leave it out for the default, \(node.listen.map(\.description).joined(separator: ", "))")
        }
        let given = Listeners(
            listen: fields["listen"] == nil || fields["listen"]?.isNull == true ? nil : listen, pods: pods,
            gateway: gateway.addresses,
            admin: admin)
        given.check(defaults: node, reading)
        if !listen.isEmpty { node.listen = listen.map(\.value) }
        node.podAddresses = pods.map(\.value)
        node.gateway = gateway.plain
        node.secureGateway = gateway.secure
        if let admin { node.admin = admin.value }
    }

    private mutating func readProxy(_ fields: [String: Field]) {
        reading.set(&node.proxy, fields["proxy"]) { text throws(Refusal) in
            try NameText.word(text, of: Node.ProxyLaunch.self)
        }
        reading.set(&node.user, fields["user"], NameText.user)
        reading.set(&node.workers, fields["workers"]) { text throws(Refusal) in
            try NumberText.integer(text, in: 0...256)
        }
        reading.set(&node.maxBody, fields["maxBody"]) { text throws(Refusal) in
            try NumberText.bytes(text, in: 1 << 10...1 << 30, "from 1KiB to 1GiB")
        }
        reading.set(&node.drain, fields["drain"], NumberText.milliseconds)
        guard let field = fields["timeouts"] else { return }
        let members = reading.members(field, KnownKeys(Self.timeouts.map(\.key)))
        for timeout in Self.timeouts {
            reading.set(&node.timeouts[keyPath: timeout.path], members[timeout.key], NumberText.milliseconds)
        }
    }

    private mutating func readQdisc(_ field: Field) {
        guard !field.isNull else { return }
        let fields = reading.members(field, Self.qdiscKeys)
        guard case .mapping = field.value.content else { return }
        for key in Self.qdiscKeys.accepted where fields[key] == nil {
            reading.fault(field, "has no \(key); write {device: eth0, kind: htb, rate: 10Gbit/s}")
        }
        if let kind = fields["kind"] {
            _ = reading.value(kind) { text throws(Refusal) in
                guard text == "htb" else { throw Refusal("is not htb, the only kind there is") }
                return text
            }
        }
        let device = fields["device"].flatMap { reading.value($0, NameText.device) }
        let rate = fields["rate"].flatMap { field in
            reading.value(field) { text throws(Refusal) in
                guard let rate = QoSText.bandwidth(text) else { throw Refusal("is not \(QoSText.deviceRateForm)") }
                return rate
            }
        }
        guard let device, let rate else { return }
        node.qdisc = Qdisc(device: device.value, rate: rate.value)
    }
}
