package import Catalog

/// A capture rule with what the kernel counted for it.
package struct CaptureReport: Hashable, Sendable, Codable {
    /// Connections, by what connect() did with them.
    package struct Counters: Hashable, Sendable, Codable {
        package var captured: UInt64
        package var denied: UInt64
        /// Let through since no proxy listened.
        package var direct: UInt64
        /// Refused since no proxy listened.
        package var refused: UInt64

        package init(captured: UInt64 = 0, denied: UInt64 = 0, direct: UInt64 = 0, refused: UInt64 = 0) {
            self.captured = captured
            self.denied = denied
            self.direct = direct
            self.refused = refused
        }
    }

    /// Position in the configuration.
    package var id: UInt32
    /// nil when the rule was read from the kernel, which does not know it.
    package var name: String?
    package var destinations: [String]
    /// `proxy`, `direct` or `deny`.
    package var path: String
    /// The model that these destinations are dedicated to; nil: whatever requests name.
    package var model: String?
    /// `direct` or `refuse`.
    package var whenProxyDown: String
    /// `relay` or `refuse`; nil when the rule was read from the kernel.
    package var unknown: String?
    package var opaque: String?
    package var counters: Counters

    package init(
        id: UInt32, name: String?, destinations: [String], path: String, model: String? = nil, whenProxyDown: String,
        unknown: String? = nil, opaque: String? = nil, counters: Counters = Counters()
    ) {
        self.id = id
        self.name = name
        self.destinations = destinations
        self.path = path
        self.model = model
        self.whenProxyDown = whenProxyDown
        self.unknown = unknown
        self.opaque = opaque
        self.counters = counters
    }

    package init(_ rule: CaptureRule, id: UInt32, counters: Counters) {
        self.init(
            id: id, name: rule.name, destinations: rule.to.map(\.description), path: rule.path.rawValue, model: rule.model,
            whenProxyDown: rule.whenProxyDown.rawValue, unknown: rule.unknown.rawValue, opaque: rule.opaque.rawValue,
            counters: counters)
    }
}
