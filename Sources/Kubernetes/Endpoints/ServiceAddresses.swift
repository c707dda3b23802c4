package import Catalog

/// Where a service's pods are reached, as its EndpointSlices say. Pure.
package enum ServiceAddresses {
    /// Of one service: all nodes that leave some out leave the same ones out.
    package static let limit = 1_024

    /// A server behind a service, at each of its addresses.
    private struct Server {
        var addresses: Set<SocketAddress> = []
        var isReady = false
        var isServing = false
        /// Zones that are to use it; nil: nobody has said.
        var zones: Set<String>?
    }

    /// The addresses that are to be used, sorted: those that are ready; or, where there are none, those that still serve
    /// while they end, as services of the cluster do.
    ///
    /// - Parameters:
    ///   - port: the name of a port or its number at the pods; empty: the only one.
    ///   - zone: the node's; what is meant for it is taken where all that are ready are meant for some zone. nil: all.
    package static func addresses(_ slices: [EndpointSlice], port: String, zone: String? = nil) -> [SocketAddress] {
        var servers: [String: Server] = [:]
        for slice in slices.sorted(by: { $0.metadata.key < $1.metadata.key }) {
            guard let family = family(of: slice), let number = number(of: port, in: slice) else { continue }
            for member in slice.endpoints ?? [] { take(member, family, number, &servers) }
        }
        let all = servers.values.filter { !$0.addresses.isEmpty }
        let ready = all.filter(\.isReady)
        let used = ready.isEmpty ? all.filter(\.isServing) : meant(ready, for: zone)
        // A server that has both is one server, and is reached at one.
        let addresses = Set(used.compactMap { $0.addresses.min { $0.orderedBefore($1) } })
        return Array(addresses.sorted { $0.orderedBefore($1) }.prefix(limit))
    }

    private static func take(
        _ member: EndpointSlice.Member, _ family: IPAddress.Family, _ port: UInt16, _ servers: inout [String: Server]
    ) {
        // The others of a list are the same server by definition, and nobody has ever written two.
        guard let ip = member.addresses.first.flatMap({ IPAddress($0) }), ip.family == family, ip.isReachable else {
            return
        }
        let address = SocketAddress(ip: ip, port: port)
        let name = member.targetRef?.uid.flatMap { $0.isEmpty ? nil : "\($0):\(port)" } ?? address.description
        let isReady = member.conditions?.ready ?? true
        var server = servers[name] ?? Server()
        server.addresses.insert(address)
        // One that moves from one slice to another is in both for a moment.
        server.isReady = server.isReady || isReady
        server.isServing = server.isServing || (member.conditions?.serving ?? isReady)
        if let zones = member.hints?.forZones, !zones.isEmpty { server.zones = (server.zones ?? []).union(zones.map(\.name)) }
        servers[name] = server
    }

    private static func meant(_ ready: [Server], for zone: String?) -> [Server] {
        guard let zone, ready.allSatisfy({ $0.zones != nil }) else { return ready }
        let near = ready.filter { $0.zones?.contains(zone) == true }
        return near.isEmpty ? ready : near
    }

    private static func family(of slice: EndpointSlice) -> IPAddress.Family? {
        switch slice.addressType {
        case "IPv4": .v4
        case "IPv6": .v6
        default: nil
        }
    }

    private static func number(of port: String, in slice: EndpointSlice) -> UInt16? {
        let ports = (slice.ports ?? []).filter { ($0.protocol ?? "TCP") == "TCP" }
        let chosen =
            if port.isEmpty {
                ports.count == 1 ? ports[0] : nil
            } else if let number = Int(port) {
                ports.first { $0.port == number }
            } else {
                ports.first { $0.name == port }
            }
        return chosen?.port.flatMap { UInt16(exactly: $0) }.flatMap { $0 == 0 ? nil : $0 }
    }
}

extension SocketAddress {
    /// IPv4 first, so that a server that has both is reached by it.
    func orderedBefore(_ other: SocketAddress) -> Bool {
        (ip.family.rawValue, ip.high, ip.low, port) < (other.ip.family.rawValue, other.ip.high, other.ip.low, other.port)
    }
}
