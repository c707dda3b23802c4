/// Where a resource's `spec` goes in a configuration.
struct ResourcePart {
    /// `models`, `pools` or `clients`, and whose entry there.
    var section: String
    var name: String
    /// The entry is there already and gets these members; otherwise it is these.
    var isAddition: Bool
    var members: [YAMLEntry]

    /// How faults name the place.
    var keyPath: String { KeyPath.member(name, of: section) }

    private static let claimsOfModels = KnownKeys(["qos", "limits", "quotas", "maxInFlight", "queue"])
    private static let claimsOfClients = KnownKeys(["limits", "quotas", "models", "perSession", "perAddress"])
    private static let access = KnownKeys(["allow", "deny"])
    private static let identity = KnownKeys(ClientsSection.proofKeys + ["group", "allow", "deny"])

    /// - Parameter line: what stands for the resource in faults.
    init(_ resource: Resource, line: Int) throws(Refusal) {
        guard case .mapping(let entries) = resource.spec.yaml(line: line).content else {
            throw Refusal("spec: is no mapping")
        }
        (section, name, isAddition, members) = ("clients", resource.key.name, false, entries)
        switch resource.key.kind {
        case .model:
            section = "models"
            name = try take("name") ?? name
        case .pool:
            section = "pools"
            name = try take("name") ?? name
        case .qosClaim:
            let (model, client) = (try take("model"), try take("client"))
            guard let subject = model ?? client, model == nil || client == nil else {
                throw Refusal("spec: names what it is for in one of model and client")
            }
            (section, name, isAddition) = (model == nil ? "clients" : "models", subject, true)
            try check(model == nil ? Self.claimsOfClients : Self.claimsOfModels)
            if members.isEmpty { throw Refusal("spec: claims nothing") }
        case .accessControl:
            let client = try take("client")
            (name, isAddition) = (client ?? name, client != nil)
            try check(isAddition ? Self.access : Self.identity)
            if members.isEmpty { throw Refusal("spec: says nothing of who may call what") }
        }
    }

    /// The text of a member, which is then gone; nil: there is none.
    private mutating func take(_ key: String) throws(Refusal) -> String? {
        guard let index = members.firstIndex(where: { $0.key == key }) else { return nil }
        let entry = members.remove(at: index)
        guard case .scalar(let text) = entry.value.content, !text.isEmpty else { throw Refusal("spec.\(key): must be a name") }
        return text
    }

    private func check(_ keys: KnownKeys) throws(Refusal) {
        for entry in members where !keys.accepted.contains(entry.key) {
            throw Refusal("\(KeyPath.member(entry.key, of: "spec")): \(keys.refusal(of: entry.key))")
        }
    }
}
