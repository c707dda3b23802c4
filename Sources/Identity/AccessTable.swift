package import Catalog

/// Which client may call which model, as the kernel plane judges it too: what a client denies itself is closed to it, one
/// with an `allow` list is held to that, and a private model is open only to clients whose list names it. A list that names
/// a pool opens, or closes, what is reached through the pool.
package struct AccessTable: Sendable {
    private struct Names: Sendable {
        var models: Set<Int>
        var pools: Set<Int>
    }

    private struct Lists: Sendable {
        var allow: Names?
        var deny: Names
    }

    private var isPrivate: [Bool] = []
    private var lists: [String: Lists] = [:]
    /// Every client, and whoever is none, may call every model.
    package private(set) var isOpen = true

    /// Open.
    package init() {}

    package init(models: [Model], clients: [Client], pools: [Pool] = []) {
        isPrivate = models.map { $0.access == .private }
        let modelNumbers = Self.numbers(models.map(\.name))
        let poolNumbers = Self.numbers(pools.map(\.name))
        let known = { (rules: [AccessRule]) in
            let names = rules.flatMap(\.names)
            return Names(models: Set(names.compactMap { modelNumbers[$0] }), pools: Set(names.compactMap { poolNumbers[$0] }))
        }
        for client in clients where client.allow != nil || !client.deny.isEmpty {
            lists[client.name] = Lists(allow: client.allow.map(known), deny: known(client.deny))
        }
        isOpen = lists.isEmpty && !isPrivate.contains(true)
    }

    /// - Parameters:
    ///   - model: its number in the catalogue.
    ///   - client: the name; empty: it is none.
    ///   - pool: the number in the catalogue of the pool that the request names; nil: it names none.
    package func mayCall(_ model: Int, client: String, through pool: Int? = nil) -> Bool {
        if isOpen { return true }
        let isPrivate = model < isPrivate.count && isPrivate[model]
        guard let lists = lists[client] else { return !isPrivate }
        if lists.deny.models.contains(model) { return false }
        if let pool, lists.deny.pools.contains(pool) { return false }
        guard let allow = lists.allow else { return !isPrivate }
        if let pool, allow.pools.contains(pool) { return true }
        return allow.models.contains(model)
    }

    private static func numbers(_ names: [String]) -> [String: Int] {
        Dictionary(names.enumerated().map { ($1, $0) }, uniquingKeysWith: { first, _ in first })
    }
}
