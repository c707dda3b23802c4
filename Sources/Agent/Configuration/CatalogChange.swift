internal import Catalog

/// What a new configuration changes of the one in force.
struct CatalogChange: Sendable {
    /// Keys of the configuration that only a restart can change.
    let needRestart: [String]
    let admin: Bool
    let podAddressesAdded: [IPAddress]
    let podAddressesRemoved: [IPAddress]
    /// Clients or their workload patterns.
    let workloads: Bool
    let anything: Bool

    init(from old: Catalog, to new: Catalog) {
        var keys: [String] = []
        if old.node.cgroup != new.node.cgroup { keys.append("node.cgroup") }
        if old.node.effectiveBrokerCgroup != new.node.effectiveBrokerCgroup { keys.append("node.brokerCgroup") }
        if old.node.user != new.node.user { keys.append("node.user") }
        if old.node.proxy != new.node.proxy { keys.append("node.proxy") }
        needRestart = keys
        admin = old.node.admin != new.node.admin
        podAddressesAdded = new.node.podAddresses.filter { !old.node.podAddresses.contains($0) }
        podAddressesRemoved = old.node.podAddresses.filter { !new.node.podAddresses.contains($0) }
        workloads = old.clients != new.clients
        anything = old.withoutAddresses != new.withoutAddresses
    }

    /// One line for each key that needs a restart, in the manner of the configuration's own faults.
    var faults: [String] {
        needRestart.map { "\($0): cannot change while the agent runs; restart modelbrokerd to change it" }
    }
}

extension Catalog {
    /// The catalogue as the file says it: what names resolved to is not part of it.
    fileprivate var withoutAddresses: Catalog {
        mapEndpoints { endpoint in
            var bare = endpoint
            bare.addresses = []
            return bare
        }
    }
}
