package import Catalog

/// Which client may call which model, as the kernel plane judges it too: what a client denies itself is closed to it, one
/// with an `allow` list is held to that, and a private model is open only to clients whose list names it.
package struct AccessTable: Sendable {
    private struct Lists: Sendable {
        var allow: Set<Int>?
        var deny: Set<Int>
    }

    private var isPrivate: [Bool] = []
    private var lists: [String: Lists] = [:]
    /// Every client, and whoever is none, may call every model.
    package private(set) var isOpen = true

    /// Open.
    package init() {}

    package init(models: [Model], clients: [Client]) {
        isPrivate = models.map { $0.access == .private }
        let numbers = Dictionary(models.enumerated().map { ($1.name, $0) }, uniquingKeysWith: { first, _ in first })
        for client in clients where client.allow != nil || !client.deny.isEmpty {
            lists[client.name] = Lists(
                allow: client.allow.map { Set($0.compactMap { numbers[$0] }) }, deny: Set(client.deny.compactMap { numbers[$0] }))
        }
        isOpen = lists.isEmpty && !isPrivate.contains(true)
    }

    /// - Parameters:
    ///   - model: its number in the catalogue.
    ///   - client: the name; empty: it is none.
    package func mayCall(_ model: Int, client: String) -> Bool {
        if isOpen { return true }
        let isPrivate = model < isPrivate.count && isPrivate[model]
        guard let lists = lists[client] else { return !isPrivate }
        if lists.deny.contains(model) { return false }
        guard let allow = lists.allow else { return !isPrivate }
        return allow.contains(model)
    }
}
