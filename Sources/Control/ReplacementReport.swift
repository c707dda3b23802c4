/// What came of replacing the proxy by a new one.
package struct ReplacementReport: Hashable, Sendable, Codable {
    /// RFC 3339 with milliseconds: when that was known.
    package var time: String
    /// The new one serves; otherwise the one before it goes on as if nothing had happened.
    package var replaced: Bool
    /// The proxy before.
    package var from: Int32
    /// The new one; nil: it was not started.
    package var to: Int32?
    /// Why the proxy was not replaced; nil: it was.
    package var reason: String?
    /// From the order until the new one accepted, or was given up.
    package var milliseconds: UInt64
    /// How long the one before may take to end what is under way; nil: it was not replaced.
    package var drainMilliseconds: UInt64?

    package init(
        time: String, replaced: Bool, from: Int32, to: Int32?, reason: String? = nil, milliseconds: UInt64,
        drainMilliseconds: UInt64? = nil
    ) {
        self.time = time
        self.replaced = replaced
        self.from = from
        self.to = to
        self.reason = reason
        self.milliseconds = milliseconds
        self.drainMilliseconds = drainMilliseconds
    }
}
