package import Catalog
internal import Glibc

/// What an access table says of a request.
package enum AccessAnswer: Hashable, Sendable {
    case yes
    /// The rule that closes it, for `AccessTable.ruleName`; -1: none that has a name.
    case no(rule: Int)
}

/// Which client may call which model, how and when, as the kernel plane judges it too: what a client denies itself is closed
/// to it, one with an `allow` list is held to that, and a private model is open only to clients whose list names it. A list
/// that names a pool opens, or closes, what is reached through the pool. To administer has to be allowed by name.
package struct AccessTable: Sendable {
    private var isPrivate: [Bool] = []
    private var clients: [AccessLists] = []
    private var numbers: [String: Int] = [:]
    private var rules = AccessRules()
    /// Every client, and whoever is none, may call every model, but not administer.
    package private(set) var isOpen = true

    /// Open.
    package init() {}

    /// - Parameter capabilities: full paths beside the built-in ones.
    package init(models: [Model], clients: [Client], pools: [Pool] = [], capabilities: [String] = []) {
        isPrivate = models.map { $0.access == .private }
        let names = AccessNames(models: models, pools: pools, tree: CapabilityTree(custom: capabilities))
        for client in clients {
            self.clients.append(
                AccessLists(
                    allow: client.allow.map { rules.add($0, names) },
                    deny: rules.add(client.deny.map(\.coveringAdmin), names)))
        }
        numbers = Dictionary(clients.enumerated().map { ($1.name, $0) }, uniquingKeysWith: { first, _ in first })
        isOpen = !isPrivate.contains(true) && self.clients.allSatisfy(\.isEmpty)
    }

    /// - Parameters:
    ///   - model: its number in the catalogue; -1: one that is not there, which nothing but the name `*` means.
    ///   - client: its number in the catalogue; -1: none.
    ///   - pool: the number in the catalogue of the pool that the request names; nil: it names none.
    ///   - epoch: seconds since 1970.
    package func mayCall(
        _ model: Int, client: Int, through pool: Int? = nil, operation: Operation, epoch: Int64
    ) -> AccessAnswer {
        if isOpen { return operation == .admin ? .no(rule: -1) : .yes }
        let ask = AccessAsk(model: model, pool: pool ?? -1, operation: operation, epoch: epoch)
        let isClosed = operation == .admin || model >= 0 && model < isPrivate.count && isPrivate[model]
        guard client >= 0, client < clients.count else { return isClosed ? .no(rule: -1) : .yes }
        if let rule = rules.first(in: clients[client].deny, ask) { return .no(rule: rules.name(of: rule)) }
        guard let allow = clients[client].allow else { return isClosed ? .no(rule: -1) : .yes }
        return rules.first(in: allow, ask) == nil ? .no(rule: rules.nameOfLate(in: allow, ask)) : .yes
    }

    /// Whether it belongs in a list of what the client may call now: it may be used in any way, and nothing denies listing it.
    package func mayList(_ model: Int, client: Int, through pool: Int? = nil, epoch: Int64) -> Bool {
        if isOpen { return true }
        let ask = AccessAsk(model: model, pool: pool ?? -1, operation: .list, epoch: epoch)
        if client >= 0, client < clients.count, rules.first(in: clients[client].deny, ask) != nil { return false }
        return mayUse(model, client: client, through: pool, epoch: epoch)
    }

    /// Whether the client may use it in any way but to list or administer it: what a connection to its own address is good for.
    package func mayUse(_ model: Int, client: Int, through pool: Int? = nil, epoch: Int64) -> Bool {
        for operation in [Operation.chat, .embeddings, .other]
        where mayCall(model, client: client, through: pool, operation: operation, epoch: epoch) == .yes {
            return true
        }
        return false
    }

    /// The same for the client of this name; empty, or unknown: none.
    package func mayCall(
        _ model: Int, client: String, through pool: Int? = nil, operation: Operation, epoch: Int64
    ) -> AccessAnswer {
        mayCall(model, client: numbers[client] ?? -1, through: pool, operation: operation, epoch: epoch)
    }

    /// Whether the client may use it in any way now.
    package func mayCall(_ model: Int, client: String, through pool: Int? = nil) -> Bool {
        isOpen || mayUse(model, client: numbers[client] ?? -1, through: pool, epoch: Int64(time(nil)))
    }

    /// Of a rule that an answer named; empty: it has none.
    package func ruleName(_ rule: Int) -> String { rules.name(rule) }

    /// When a window of a rule next opens or closes, in seconds since 1970; nil: no rule has one.
    package func nextChange(after epoch: Int64) -> Int64? {
        rules.windows.compactMap { $0.nextChange(after: epoch) }.min()
    }
}

/// Where the rules of a client stand.
struct AccessLists: Sendable {
    /// nil: every public model.
    var allow: Range<Int>?
    var deny: Range<Int>

    var isEmpty: Bool { allow == nil && deny.isEmpty }
}

extension AccessRule {
    /// What is denied without saying how is denied altogether.
    fileprivate var coveringAdmin: AccessRule {
        var rule = self
        if rule.operations == .usual { rule.operations = .all }
        return rule
    }
}
