import Catalog

/// How much a client may use: of everything, of one model, in one session, from one address.
struct ClientLimitsReader {
    private static let sessionKeys = KnownKeys(["key"] + AllowanceSection.keys + ["lifetimeRequests"])
    private static let addressKeys = KnownKeys(AllowanceSection.keys)
    private static let modelKeys = KnownKeys(["limits", "quotas"])

    let models: ModelIndex
    let reading: Reading

    func models(_ field: Field) -> [String: Allowance] {
        var allowances: [String: Allowance] = [:]
        for entry in reading.entries(field, form: "names of models, each with limits and quotas") {
            let member = Field(key: KeyPath.member(entry.key, of: field.key), line: entry.line, value: entry.value)
            do throws(Refusal) {
                _ = try models.name(entry.key)
            } catch {
                reading.fault(member, "\(quoted(entry.key)) \(error.reason)")
            }
            let fields = reading.members(member, Self.modelKeys)
            let allowance = AllowanceSection.read(limits: fields["limits"], quotas: fields["quotas"], reading)
            if !allowance.isEmpty { allowances[entry.key] = allowance }
        }
        return allowances
    }

    func session(_ field: Field) -> SessionAllowance? {
        guard !field.isNull else { return nil }
        let fields = reading.members(field, Self.sessionKeys)
        guard case .mapping = field.value.content else { return nil }
        var key = SessionPolicy().key
        reading.set(&key, fields["key"]) { text throws(Refusal) in
            let key = try StrategySection.sessionKey(text)
            guard key != .client else { throw Refusal("is the client as a whole, whose limits stand under limits") }
            return key
        }
        let lifetime = fields["lifetimeRequests"].flatMap { field in
            reading.value(field) { text throws(Refusal) in UInt64(try NumberText.integer(text, in: 1...1_000_000_000)) }
        }
        if fields.keys.allSatisfy({ $0 == "key" }) { reading.fault(field, "sets no limit; \(Self.form(Self.sessionKeys))") }
        return SessionAllowance(key: key, allowance: AllowanceSection.read(fields, reading), lifetimeRequests: lifetime?.value)
    }

    func address(_ field: Field) -> Allowance? {
        guard !field.isNull else { return nil }
        let fields = reading.members(field, Self.addressKeys)
        guard case .mapping = field.value.content else { return nil }
        if fields.isEmpty { reading.fault(field, "sets no limit; \(Self.form(Self.addressKeys))") }
        return AllowanceSection.read(fields, reading)
    }

    private static func form(_ keys: KnownKeys) -> String {
        "there are \(keys.accepted.filter { $0 != "key" }.joined(separator: ", "))"
    }
}
