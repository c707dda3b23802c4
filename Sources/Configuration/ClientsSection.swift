import Catalog

/// `clients`: who the callers are, what they may call, and how much.
struct ClientsSection {
    /// How a client proves itself without a secret.
    static let proofKeys = ["workloads", "match", "tokens", "certificates"]
    private static let keys = KnownKeys(
        proofKeys + ["keys", "allow", "deny", "limits", "quotas", "models", "perSession", "perAddress", "group"])

    /// What clients refer to.
    struct Surroundings {
        var models: ModelIndex
        var capabilities: CapabilityIndex
        var issuers: NameList
        var groups: NameList
    }

    private let surroundings: Surroundings
    private let reading: Reading
    private var ledger = ClientLedger()

    private init(_ surroundings: Surroundings, _ reading: Reading) {
        self.surroundings = surroundings
        self.reading = reading
    }

    static func read(_ field: Field, _ surroundings: Surroundings, _ reading: Reading) -> [Client] {
        let entries = reading.entries(field, form: "client names, each with its workloads")
        guard entries.count <= Limits.clients else {
            reading.fault(field, "has \(entries.count) clients; at most \(Limits.clients) are possible")
            return []
        }
        var section = ClientsSection(surroundings, reading)
        let clients = entries.map { entry in
            section.client(entry, Field(key: KeyPath.member(entry.key, of: field.key), line: entry.line, value: entry.value))
        }
        section.checkTotals(field)
        return clients
    }

    private mutating func client(_ entry: YAMLEntry, _ field: Field) -> Client {
        do throws(Refusal) {
            _ = try NameText.identifier(entry.key)
        } catch {
            reading.fault(field, "\(quoted(entry.key)) \(error.reason)")
        }
        let fields = reading.members(field, Self.keys)
        var client = Client(name: entry.key)
        readProofs(&client, fields)
        readAccess(&client, fields)
        readLimits(&client, fields)
        reading.set(&client.group, fields["group"], surroundings.groups.name)
        return client
    }

    private mutating func readProofs(_ client: inout Client, _ fields: [String: Field]) {
        let proofs = ClientProofsReader(issuers: surroundings.issuers, reading: reading)
        client.workloads = proofs.workloads(fields["workloads"], &ledger)
        client.pods = PodMatchReader(reading: reading).read(fields["match"], &ledger)
        client.keys = ClientKeysReader(client: client.name, reading: reading).read(fields["keys"], &ledger)
        client.tokens = proofs.tokens(fields["tokens"])
        client.certificates = proofs.certificates(fields["certificates"], &ledger)
    }

    /// An empty `allow` allows nothing, none leaves all public models.
    private mutating func readAccess(_ client: inout Client, _ fields: [String: Field]) {
        let section = AccessSection(models: surroundings.models, capabilities: surroundings.capabilities, reading: reading)
        client.allow = fields["allow"].flatMap { $0.isNull ? nil : section.rules($0) }
        client.deny = fields["deny"].map(section.rules) ?? []
        ledger.names += ((client.allow ?? []) + client.deny).reduce(0) { $0 + $1.names.count }
    }

    private mutating func readLimits(_ client: inout Client, _ fields: [String: Field]) {
        let reader = ClientLimitsReader(models: surroundings.models, reading: reading)
        client.allowance = AllowanceSection.read(limits: fields["limits"], quotas: fields["quotas"], reading)
        if let field = fields["models"] { client.modelAllowances = reader.models(field) }
        if let field = fields["perSession"] { client.perSession = reader.session(field) }
        if let field = fields["perAddress"] { client.perAddress = reader.address(field) }
    }

    private func checkTotals(_ field: Field) {
        if ledger.names > Limits.access {
            let message = "allow and deny \(ledger.names) models; at most \(Limits.access) are possible, of all clients together"
            reading.fault(field, message)
        }
        if ledger.keys > Limits.keys {
            reading.fault(field, "have \(ledger.keys) keys; at most \(Limits.keys) are possible, of all clients together")
        }
    }
}
