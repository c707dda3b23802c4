package import Catalog

/// An endpoint among which connect() chooses on the path direct.
package struct DirectEndpoint: Hashable, Sendable {
    package var address: SocketAddress
    /// From 1.
    package var weight: UInt16
    /// False: no connect goes there.
    package var usable: Bool

    package init(address: SocketAddress, weight: UInt16 = 1, usable: Bool = true) {
        self.address = address
        self.weight = weight
        self.usable = usable
    }
}

/// An endpoint of a model and what came of it.
package struct EndpointReading: Hashable, Sendable {
    /// The model's slot.
    package var model: UInt32
    package var address: SocketAddress
    package var weight: UInt16
    package var usable: Bool
    /// Connections now.
    package var open: UInt64
    /// Connects sent there.
    package var picked: UInt64
    /// Of these, never established.
    package var failed: UInt64
    /// Since the last of those; nil: there was a connection since, or no failure at all.
    package var nanosecondsSinceFailure: UInt64?

    package init(
        model: UInt32, address: SocketAddress, weight: UInt16, usable: Bool, open: UInt64 = 0, picked: UInt64 = 0,
        failed: UInt64 = 0, nanosecondsSinceFailure: UInt64? = nil
    ) {
        self.model = model
        self.address = address
        self.weight = weight
        self.usable = usable
        self.open = open
        self.picked = picked
        self.failed = failed
        self.nanosecondsSinceFailure = nanosecondsSinceFailure
    }
}
