internal import Catalog
internal import KernelPlane

extension PlaneSettings {
    /// Where captured connections go, for a node's configuration.
    init(generation: UInt64, hostNetnsCookie: UInt64, node: Node) {
        self.init(
            generation: generation, hostNetnsCookie: hostNetnsCookie,
            targets: ListenerSlot.allCases.map { Self.target($0, node) })
    }

    private static func target(_ slot: ListenerSlot, _ node: Node) -> SocketAddress? {
        switch slot {
        case .host4: node.listen.first { $0.ip.family == .v4 }
        case .host6: node.listen.first { $0.ip.family == .v6 }
        case .pod4: podTarget(.v4, node)
        case .pod6: podTarget(.v6, node)
        }
    }

    /// A pod address goes with the port of the listener of its family, or of the other one if there is none.
    private static func podTarget(_ family: IPAddress.Family, _ node: Node) -> SocketAddress? {
        guard let address = node.podAddresses.first(where: { $0.family == family }),
            let listener = node.listen.first(where: { $0.ip.family == family }) ?? node.listen.first
        else { return nil }
        return SocketAddress(ip: address, port: listener.port)
    }
}
