import Catalog

/// Which endpoints share a server, and which a provider: what one meets, the others would.
struct Peers: Sendable {
    private var serverOf: [Int] = []
    private var providerOf: [Int] = []
    private var servers: [[EndpointNumber]] = []
    private var providers: [[EndpointNumber]] = []

    init() {}

    /// - Parameter count: above every number of the table.
    init(_ table: RoutingTable, count: Int) {
        serverOf = Array(repeating: -1, count: count)
        providerOf = Array(repeating: -1, count: count)
        var groups: [SocketAddress: Int] = [:]
        providers = Array(repeating: [], count: (table.targets.map(\.provider).max() ?? -1) + 1)
        for target in table.targets where !target.isUnresolved && serverOf[Int(target.number)] < 0 {
            let group = groups[target.address] ?? servers.count
            if group == servers.count { servers.append([]) }
            groups[target.address] = group
            servers[group].append(target.number)
            providers[target.provider].append(target.number)
            serverOf[Int(target.number)] = group
            providerOf[Int(target.number)] = target.provider
        }
    }

    /// Those of the same address, `number` itself among them; empty: it is in the catalogue no more.
    func sharingServer(_ number: EndpointNumber) -> [EndpointNumber] { group(number, serverOf, servers) }

    /// Those of the same provider, likewise.
    func sharingProvider(_ number: EndpointNumber) -> [EndpointNumber] { group(number, providerOf, providers) }

    private func group(_ number: EndpointNumber, _ groupOf: [Int], _ groups: [[EndpointNumber]]) -> [EndpointNumber] {
        let group = Int(number) < groupOf.count ? groupOf[Int(number)] : -1
        return group < 0 ? [] : groups[group]
    }
}
