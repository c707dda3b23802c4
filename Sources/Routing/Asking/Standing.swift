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
    /// Of an endpoint on demand: its server runs, and may have requests; nil: it is none.
    package var isReady: Bool?
    /// When a server that failed is tried again, in the unit of `maintenanceUntil`; 0: it did not, or that is not known.
    package var retryAt: UInt64
    /// Requests that the engine itself counts; nil: it does not say.
    package var load: UInt32?
    /// Which of its readings that is.
    package var reading: UInt32

    package init(
        url: String, address: SocketAddress, fault: String = "", isDrained: Bool = false, maintenanceUntil: UInt64 = 0,
        isReady: Bool? = nil, retryAt: UInt64 = 0, load: UInt32? = nil, reading: UInt32 = 0
    ) {
        self.url = url
        self.address = address
        self.fault = fault
        self.isDrained = isDrained
        self.maintenanceUntil = maintenanceUntil
        self.isReady = isReady
        self.retryAt = retryAt
        self.load = load
        self.reading = reading
    }
}
