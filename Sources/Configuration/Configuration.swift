package import Catalog

/// Reads the configuration, one YAML document, into a `Catalog`.
///
/// A file is taken as a whole or not at all, and everything that is wrong with it is reported at once. Everything may be
/// left out: an empty file is a configuration, too.
package enum Configuration {
    private static let keys = KnownKeys(
        [
            "node", "capture", "models", "pools", "capabilities", "anonymous", "issuers", "groups", "clients", "firewall",
            "audit",
        ])

    /// Reads the text of a configuration. Endpoints with literal addresses have them filled in, those with names have none.
    package static func parse(_ yaml: String) throws(ConfigurationFaults) -> Catalog {
        try parse(yaml, environment: processEnvironment)
    }

    /// Reads the bytes of a configuration, which may be anything.
    package static func parse(utf8 bytes: some Collection<UInt8>) throws(ConfigurationFaults) -> Catalog {
        try parse(text: TextCheck.text(of: bytes), environment: processEnvironment)
    }

    /// Reads the configuration in a file of at most 4 MiB; symbolic links are followed.
    package static func load(path: String) throws(ConfigurationFaults) -> Catalog {
        let bytes: [UInt8]
        do {
            bytes = try BoundedFile.read(path, limit: Limits.fileBytes)
        } catch {
            let message = "the configuration file \(printable(path, limit: 4_096)) \(error.reason)"
            throw ConfigurationFaults([ConfigurationFault(line: nil, key: "", message: message)])
        }
        return try parse(utf8: bytes)
    }

    /// As `parse(_:)`, with `${env:NAME}` looked up in `environment`.
    package static func parse(
        _ yaml: String, environment: @escaping (String) -> String?
    ) throws(ConfigurationFaults) -> Catalog {
        try parse(text: TextCheck.text(of: yaml.utf8), environment: environment)
    }

    private static func parse(
        text: String, environment: @escaping (String) -> String?
    ) throws(ConfigurationFaults) -> Catalog {
        try parse(text: text, environment: environment, resources: []).catalog
    }

    /// Reads a configuration with custom resources laid over it, if it asks for that. The file must be right by itself; of
    /// the resources those are left out in which something is wrong, with the reason.
    package static func parse(
        _ yaml: String, resources: [Resource], environment: ((String) -> String?)? = nil
    ) throws(ConfigurationFaults) -> (catalog: Catalog, verdicts: [ResourceKey: ResourceVerdict]) {
        try parse(
            text: TextCheck.text(of: yaml.utf8), environment: environment ?? processEnvironment, resources: resources)
    }

    private static func parse(
        text: String, environment: @escaping (String) -> String?, resources: [Resource]
    ) throws(ConfigurationFaults) -> (catalog: Catalog, verdicts: [ResourceKey: ResourceVerdict]) {
        let log = FaultLog()
        let root = YAMLComposer.compose(text, log)
        let (catalog, faults) = read(root, environment, log)
        guard faults.faults.isEmpty else { throw faults }
        guard catalog.node.kubernetes?.followsResources == true, !resources.isEmpty else { return (catalog, [:]) }
        return ResourceOverlay.run(root, resources, fallback: catalog) { read($0, environment, FaultLog()) }
    }

    private static func read(
        _ root: YAMLValue?, _ environment: @escaping (String) -> String?, _ log: FaultLog
    ) -> (catalog: Catalog, faults: ConfigurationFaults) {
        guard let root else { return (Catalog(), log.collected) }
        let reading = Reading(log: log, references: References(environment: environment))
        let catalog = read(Field(key: "", line: root.line, value: root), reading)
        return (catalog, log.collected)
    }

    private static func read(_ root: Field, _ reading: Reading) -> Catalog {
        var catalog = Catalog()
        let fields = reading.members(root, keys)
        if let field = fields["node"] { catalog.node = NodeSection.read(field, reading) }
        reading.hasCluster = catalog.node.kubernetes != nil
        if let field = fields["capabilities"] { catalog.capabilities = CapabilitiesSection.read(field, reading) }
        let capabilities = CapabilityIndex(catalog.capabilities)
        if let field = fields["models"] { catalog.models = ModelsSection.read(field, capabilities, reading) }
        if let field = fields["pools"] {
            catalog.pools = PoolsSection.read(field, catalog.models, capabilities, reading)
        }
        reading.activations.spread(over: &catalog)
        let models = ModelIndex(catalog.models, pools: catalog.pools.map(\.name))
        if let field = fields["capture"] { catalog.rules = CaptureSection.read(field, models, reading) }
        readCallers(&catalog, fields, models, capabilities, reading)
        if let field = fields["audit"] { catalog.audit = AuditSection.read(field, reading) }
        if let field = fields["models"] { checkSlots(catalog, field, reading) }
        if let field = fields["models"] ?? fields["pools"] { checkEndpoints(catalog, field, reading) }
        return catalog
    }

    /// Who they are, and what is refused to all or some of them.
    private static func readCallers(
        _ catalog: inout Catalog, _ fields: [String: Field], _ models: ModelIndex, _ capabilities: CapabilityIndex,
        _ reading: Reading
    ) {
        if let field = fields["issuers"] { catalog.authentication.issuers = IssuersSection.read(field, reading) }
        if let field = fields["groups"] { catalog.groups = GroupsSection.read(field, reading) }
        let given = fields["clients"].flatMap { $0.isNull ? nil : $0 }
        if let field = given {
            let surroundings = ClientsSection.Surroundings(
                models: models, capabilities: capabilities, issuers: names(in: fields["issuers"], of: "issuers"),
                groups: names(in: fields["groups"], of: "groups", beside: [Group.defaultName]))
            catalog.clients = ClientsSection.read(field, surroundings, reading)
        }
        let clients = NameList(catalog.clients.map(\.name), of: "clients")
        catalog.authentication.anonymous = AnonymousText.read(
            fields["anonymous"], clients: clients, isGoverned: given != nil, reading)
        if let field = fields["firewall"] { catalog.firewall = FirewallSection.read(field, clients: clients, reading) }
        checkAccounts(catalog, fields["clients"] ?? fields["models"], reading)
    }

    /// Also those whose entries are faulty: that one refers to them is no fault.
    private static func names(in field: Field?, of section: String, beside others: [String] = []) -> NameList {
        guard case .mapping(let entries) = field?.value.content else { return NameList(others, of: section) }
        return NameList(entries.map(\.key) + others, of: section)
    }

    private static func checkAccounts(_ catalog: Catalog, _ field: Field?, _ reading: Reading) {
        let count = catalog.accounts.count
        guard let field, count > Limits.accounts else { return }
        reading.fault(
            field, "with all models need \(count) limits and quotas to be counted; at most \(Limits.accounts) are possible")
    }

    /// The kernel has only so many entries, and a model that needs one must not go without.
    private static func checkSlots(_ catalog: Catalog, _ field: Field, _ reading: Reading) {
        let needed = catalog.modelsNeedingSlots.count
        guard needed > Limits.slots else { return }
        reading.fault(
            field, "has \(needed) models with qos, with access private or in a capture rule; at most \(Limits.slots) are possible"
        )
    }

    private static func checkEndpoints(_ catalog: Catalog, _ field: Field, _ reading: Reading) {
        let count =
            catalog.models.reduce(0) { $0 + $1.endpoints.count + $1.fallback.count }
            + catalog.pools.reduce(0) { $0 + $1.fallback.count }
        guard count > Limits.endpoints else { return }
        reading.fault(field, "with all pools has \(count) endpoints; at most \(Limits.endpoints) are possible")
    }
}
