package import Catalog

/// Which group each client is in, and what a group and a model say of requests that wait.
package struct ShareTable: Sendable {
    private var groups: [Group]
    private var groupOfClient: [Int]
    private var groupOfName: [String: Int] = [:]
    /// By the model's number in the catalogue.
    private var queues: [QueuePolicy]

    package init(_ catalog: Catalog = Catalog()) {
        groups = catalog.allGroups
        let numbers = Dictionary(groups.enumerated().map { ($1.name, $0) }, uniquingKeysWith: { first, _ in first })
        groupOfClient = catalog.clients.map { numbers[$0.group] ?? 0 }
        for client in catalog.clients { groupOfName[client.name] = numbers[client.group] ?? 0 }
        queues = catalog.models.map(\.queue)
    }

    /// The number of the group of a client by its number, or failing that by its name.
    func group(client: Int, name: String) -> Int {
        if groupOfClient.indices.contains(client) { return groupOfClient[client] }
        return name.isEmpty ? 0 : groupOfName[name] ?? 0
    }

    func name(_ group: Int) -> String { groups.indices.contains(group) ? groups[group].name : Group.defaultName }

    func level(_ group: Int) -> Int32 {
        guard groups.indices.contains(group) else { return 0 }
        return groups[group].delivery == .batch ? .min : groups[group].priority
    }

    /// What bounds the group's requests that wait for the model.
    func queue(_ group: Int, model: Int) -> QueuePolicy {
        if groups.indices.contains(group), let own = groups[group].queue { return own }
        return queues.indices.contains(model) ? queues[model] : QueuePolicy()
    }
}
