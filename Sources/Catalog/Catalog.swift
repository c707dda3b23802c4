/// Everything that a configuration says, as one value: what the kernel plane, the proxy and the CLI work from.
package struct Catalog: Hashable, Sendable {
    package var node: Node
    package var rules: [CaptureRule]
    package var models: [Model]
    package var clients: [Client]
    package var pools: [Pool]
    /// Full paths of capabilities beside the built-in ones.
    package var capabilities: [String]
    package var authentication: Authentication
    /// In the order in which they are looked at.
    package var firewall: [FirewallRule]
    /// nil: no decision is written down.
    package var audit: Audit?
    /// Beside the default one, which is always there, though it may be among these with values of its own.
    package var groups: [Group]

    package init(
        node: Node = Node(), rules: [CaptureRule] = [], models: [Model] = [], clients: [Client] = [], pools: [Pool] = [],
        capabilities: [String] = [], authentication: Authentication = Authentication(), firewall: [FirewallRule] = [],
        audit: Audit? = nil, groups: [Group] = []
    ) {
        self.node = node
        self.rules = rules
        self.models = models
        self.clients = clients
        self.pools = pools
        self.capabilities = capabilities
        self.authentication = authentication
        self.firewall = firewall
        self.audit = audit
        self.groups = groups
    }

    /// The default group first, then the others in their order: a group's number is its place here.
    package var allGroups: [Group] {
        let named = groups.first { $0.name == Group.defaultName } ?? Group(name: Group.defaultName)
        return [named] + groups.filter { $0.name != Group.defaultName }
    }
}
