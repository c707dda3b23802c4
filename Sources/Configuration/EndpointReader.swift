import Catalog

/// One endpoint: a URL by itself, or a mapping that has one, or what stands for one.
struct EndpointReader {
    private static let keys = KnownKeys(
        [
            "url", "service", "port", "inferencePool", "scheme", "path", "weight", "labels", "upstreamModel", "engine", "cost",
            "provider", "key", "tls", "health", "maintenance",
            "discover", "forwardCredentials", "maxInFlight", "metrics", "activate",
        ])
    private static let tlsKeys = KnownKeys(["serverName", "ca"])
    private static let windowKeys = KnownKeys(["cron", "for"])
    private static let discoveryKeys = KnownKeys(["period", "onNew"])

    private let defaults: EndpointsSection.Defaults
    private let reading: Reading

    init(_ defaults: EndpointsSection.Defaults, _ reading: Reading) {
        self.defaults = defaults
        self.reading = reading
    }

    /// nil after a fault in the URL.
    func read(_ element: Field) -> Located<Endpoint>? {
        guard case .mapping = element.value.content else {
            guard let located = reading.value(element, EndpointText.endpoint) else { return nil }
            var endpoint = located.value
            endpoint.engine = defaults.engine
            endpoint.health = defaults.health
            endpoint.forwardsCredentials = defaults.forwardsCredentials
            return Located(value: endpoint, field: located.field, shown: located.shown)
        }
        let fields = reading.members(element, Self.keys)
        let located: Located<Endpoint>?
        if let url = fields["url"] {
            located = reading.value(url, EndpointText.endpoint)
            refuseBacking(fields)
        } else if fields["service"] != nil || fields["inferencePool"] != nil {
            located = BackingReader(fields: fields, reading: reading).read()
        } else {
            reading.fault(element, "has no url; write {url: \"http://HOST:PORT\"}")
            return nil
        }
        // Without a URL what stands beside it is read, too, for its faults.
        var endpoint = located?.value ?? Endpoint(host: "", port: 0, authority: "")
        readServing(&endpoint, fields)
        readTrust(&endpoint, fields, hasURL: located != nil)
        readCare(&endpoint, fields)
        readLoad(&endpoint, fields, hasURL: located != nil)
        return located.map { Located(value: endpoint, field: $0.field, shown: $0.shown) }
    }

    private func refuseBacking(_ fields: [String: Field]) {
        for key in BackingReader.keys {
            if let field = fields[key] { reading.fault(field, "has no meaning with url, which says all of it; leave one out") }
        }
    }

    /// What it serves, and how it is chosen.
    private func readServing(_ endpoint: inout Endpoint, _ fields: [String: Field]) {
        reading.set(&endpoint.weight, fields["weight"]) { text throws(Refusal) in
            UInt16(clamping: try NumberText.integer(text, in: 0...65_535))
        }
        endpoint.engine = defaults.engine
        reading.set(&endpoint.engine, fields["engine"]) { text throws(Refusal) in
            try NameText.word(text, of: Engine.self)
        }
        if let field = fields["upstreamModel"] {
            endpoint.upstreamModel = reading.value(field) { text throws(Refusal) in try NameText.model(text) }?.value
        }
        if let field = fields["labels"] { endpoint.labels = LabelsSection.read(field, reading) }
        if let field = fields["cost"] {
            endpoint.cost = reading.value(field) { text throws(Refusal) in try NumberText.millionths(text) }?.value
        }
        reading.set(&endpoint.provider, fields["provider"], NameText.identifier)
    }

    /// How the two prove themselves to each other.
    private func readTrust(_ endpoint: inout Endpoint, _ fields: [String: Field], hasURL: Bool) {
        if let field = fields["key"] { endpoint.key = SecretText.read(field, reading, SecretText.token) }
        readForwarding(&endpoint, fields)
        guard let field = fields["tls"], !field.isNull else { return }
        let members = reading.members(field, Self.tlsKeys)
        let name = members["serverName"].flatMap { reading.value($0, CertificateText.serverName) }
        let authorities = members["ca"].flatMap { field in
            reading.refusesForeign(field) ? nil : reading.value(field, CertificateText.authorities)
        }
        guard hasURL else { return }
        guard endpoint.tls != nil else {
            return reading.fault(field, "has no meaning with an http URL: write https:// to have it encrypted")
        }
        if let name { endpoint.tls?.serverName = name.value }
        endpoint.tls?.caFile = authorities?.value
    }

    /// Whether the caller's credentials go on to it; a key of the broker's goes before them.
    private func readForwarding(_ endpoint: inout Endpoint, _ fields: [String: Field]) {
        endpoint.forwardsCredentials = defaults.forwardsCredentials
        guard let field = fields["forwardCredentials"], !reading.refusesForeign(field) else { return }
        reading.set(&endpoint.forwardsCredentials, field, NameText.truth)
        if endpoint.forwardsCredentials, fields["key"] != nil {
            reading.fault(field, "has no meaning with key, which is sent instead of the caller's credentials")
        }
    }

    /// How it is looked after.
    private func readCare(_ endpoint: inout Endpoint, _ fields: [String: Field]) {
        endpoint.health = defaults.health
        if let field = fields["health"] { endpoint.health = HealthSection.read(field, over: defaults.health, reading) }
        if let field = fields["maintenance"] { endpoint.maintenance = windows(field) }
        guard let field = fields["discover"] else { return }
        endpoint.discovery = discovery(field)
        if endpoint.engine == .raw, endpoint.discovery != nil {
            reading.fault(field, "has no meaning with engine raw, which has no list of models")
        }
    }

    /// How much it takes at once, and whether it runs at all.
    private func readLoad(_ endpoint: inout Endpoint, _ fields: [String: Field], hasURL: Bool) {
        if let field = fields["maxInFlight"] { endpoint.maxInFlight = ConcurrencyReader.read(field, reading) }
        if let field = fields["metrics"] {
            endpoint.metrics = EngineMetricsSection.read(field, reading)
            if endpoint.tls != nil, endpoint.metrics != nil {
                reading.fault(field, "cannot be had from an https endpoint: the agent reads them over plain http only")
            }
        }
        guard let field = fields["activate"], !field.isNull, !reading.refusesForeign(field) else { return }
        endpoint.activation = ActivationSection.read(field, reading)
        guard hasURL, let activation = endpoint.activation else { return }
        endpoint.isOnDemand = true
        if endpoint.addresses.isEmpty {
            reading.fault(field, "needs a literal address in the URL, as http://127.0.0.1:8000: what is started is one server")
        }
        if let fault = reading.activations.take(activation, of: endpoint.url, field) { reading.fault(field, fault) }
    }

    private func windows(_ field: Field) -> [MaintenanceWindow] {
        let elements = reading.oneOrMore(field)
        guard elements.count <= Limits.maintenanceWindows else {
            reading.fault(field, "has \(elements.count) windows; at most \(Limits.maintenanceWindows) are possible")
            return []
        }
        return elements.compactMap(window)
    }

    private func window(_ field: Field) -> MaintenanceWindow? {
        let members = reading.members(field, Self.windowKeys)
        guard case .mapping = field.value.content else {
            if field.isNull { reading.fault(field, "is empty; write {cron: \"0 3 * * sun\", for: 30m}") }
            return nil
        }
        for key in Self.windowKeys.accepted where members[key] == nil {
            reading.fault(field, "has no \(key); write {cron: \"0 3 * * sun\", for: 30m}")
        }
        let cron = members["cron"].flatMap { reading.value($0, Self.schedule) }
        let duration = members["for"].flatMap { field in
            reading.value(field) { text throws(Refusal) in
                try NumberText.milliseconds(text, in: 1_000...86_400_000, "from 1s to 24h")
            }
        }
        guard let cron, let duration else { return nil }
        return MaintenanceWindow(cron: cron.value, duration: duration.value)
    }

    private static func schedule(_ text: String) throws(Refusal) -> String {
        do throws(CronError) {
            _ = try CronSchedule(text)
            return text
        } catch {
            throw Refusal(error.description)
        }
    }

    /// `true`, `false`, or how.
    private func discovery(_ field: Field) -> Discovery? {
        if case .scalar = field.value.content {
            return reading.value(field, NameText.truth)?.value == true ? Discovery() : nil
        }
        guard !field.isNull else { return nil }
        let members = reading.members(field, Self.discoveryKeys)
        var discovery = Discovery()
        reading.set(&discovery.period, members["period"]) { text throws(Refusal) in
            try NumberText.milliseconds(text, in: 1_000...86_400_000, "from 1s to 24h")
        }
        reading.set(&discovery.onNew, members["onNew"]) { text throws(Refusal) in
            try NameText.word(text, of: Discovery.OnNew.self)
        }
        return discovery
    }
}
