/// A block of addresses, `10.0.0.0/8`.
package struct CIDR: Hashable, Sendable, CustomStringConvertible {
    package let address: IPAddress
    package let prefixLength: Int

    /// nil when the prefix does not fit the family or bits below it are set.
    package init?(address: IPAddress, prefixLength: Int) {
        guard (0...address.bitWidth).contains(prefixLength) else { return nil }
        let kept = Self.masked(address, prefixLength)
        guard kept == address else { return nil }
        self.address = address
        self.prefixLength = prefixLength
    }

    package func contains(_ other: IPAddress) -> Bool {
        other.family == address.family && Self.masked(other, prefixLength) == address
    }

    private static func masked(_ address: IPAddress, _ prefix: Int) -> IPAddress {
        let high = prefix >= 64 ? UInt64.max : (prefix == 0 ? 0 : ~UInt64(0) << UInt64(64 - prefix))
        let low = prefix <= 64 ? 0 : (prefix == 128 ? UInt64.max : ~UInt64(0) << UInt64(128 - prefix))
        return IPAddress(family: address.family, high: address.high & high, low: address.low & low)
    }

    package var description: String { "\(address)/\(prefixLength)" }
}

/// What a capture rule matches: a block of addresses and a port; port 0 is any port.
package struct Destination: Hashable, Sendable, CustomStringConvertible {
    package var network: CIDR
    package var port: UInt16

    package init(network: CIDR, port: UInt16) {
        self.network = network
        self.port = port
    }

    package var description: String {
        let port = port == 0 ? "*" : String(port)
        return network.address.family == .v4 ? "\(network):\(port)" : "[\(network)]:\(port)"
    }
}

/// Destinations whose connections the broker takes, and what it does with them.
package struct CaptureRule: Hashable, Sendable {
    /// Which way a captured connection goes.
    package enum Path: String, Hashable, Sendable, CaseIterable { case proxy, direct, deny }
    /// What connect() does while no proxy listens, or on the path `direct` no endpoint is usable.
    package enum WhenProxyDown: String, Hashable, Sendable, CaseIterable { case direct, refuse }
    /// What becomes of something that the broker cannot govern: go on to the address dialled, or be refused.
    package enum Ungoverned: String, Hashable, Sendable, CaseIterable { case relay, refuse }
    /// Who a caller is whose workload belongs to one client and whose credentials to another: nobody, or one of the two.
    package enum Conflict: String, Hashable, Sendable, CaseIterable { case deny, workload, credentials }

    package var name: String
    package var to: [Destination]
    package var path: Path
    package var whenProxyDown: WhenProxyDown
    /// Requests for a model that the catalogue does not know.
    package var unknown: Ungoverned
    /// Connections that do not speak HTTP/1.x.
    package var opaque: Ungoverned
    /// The model that these destinations are dedicated to: its entry governs the connect itself. The path `direct` has one.
    package var model: String?
    package var onConflict: Conflict

    package init(
        name: String, to: [Destination], path: Path = .proxy, whenProxyDown: WhenProxyDown = .direct,
        unknown: Ungoverned = .relay, opaque: Ungoverned = .relay, model: String? = nil, onConflict: Conflict = .deny
    ) {
        self.name = name
        self.to = to
        self.path = path
        self.whenProxyDown = whenProxyDown
        self.unknown = unknown
        self.opaque = opaque
        self.model = model
        self.onConflict = onConflict
    }
}
