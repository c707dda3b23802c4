package import Catalog

/// What is known of a server from outside: by probes, and from people.
package struct Standing: Hashable, Sendable {
    package var url: String
    package var address: SocketAddress
    /// Why the last probes failed; empty: they did not.
    package var fault: String
    package var isDrained: Bool
    /// End of the maintenance under way, milliseconds since 1970; 0: none.
    package var maintenanceUntil: UInt64

    package init(url: String, address: SocketAddress, fault: String = "", isDrained: Bool = false, maintenanceUntil: UInt64 = 0) {
        self.url = url
        self.address = address
        self.fault = fault
        self.isDrained = isDrained
        self.maintenanceUntil = maintenanceUntil
    }
}
