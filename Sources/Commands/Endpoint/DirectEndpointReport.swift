/// An endpoint of a model on the direct path, as the kernel picks among them.
package struct DirectEndpointReport: Hashable, Sendable, Codable {
    package var model: String
    package var address: String
    /// Its part of the model's connections, relative to the others'.
    package var weight: UInt16
    /// Connects may go there; false: the agent found it unreachable.
    package var usable: Bool
    /// Connections now.
    package var open: UInt64
    /// Connects sent there.
    package var picked: UInt64
    /// Of these, never established.
    package var failed: UInt64
    /// Since the last of those; nil: there was a connection since, or no failure at all.
    package var failedMillisecondsAgo: UInt64?

    package init(
        model: String, address: String, weight: UInt16, usable: Bool, open: UInt64 = 0, picked: UInt64 = 0, failed: UInt64 = 0,
        failedMillisecondsAgo: UInt64? = nil
    ) {
        self.model = model
        self.address = address
        self.weight = weight
        self.usable = usable
        self.open = open
        self.picked = picked
        self.failed = failed
        self.failedMillisecondsAgo = failedMillisecondsAgo
    }

    /// What `modelbroker endpoint list` prints.
    package static func table(_ endpoints: [DirectEndpointReport], width: Int?) -> String {
        var table = Table([
            .init("model", shrinks: true), .init("address"), .init("weight", .right), .init("usable"), .init("open", .right),
            .init("picked", .right), .init("failed", .right), .init("last failure"),
        ])
        for endpoint in endpoints {
            table.add([
                endpoint.model, endpoint.address, "\(endpoint.weight)", endpoint.usable ? "yes" : "NO", "\(endpoint.open)",
                "\(endpoint.picked)", "\(endpoint.failed)",
                endpoint.failedMillisecondsAgo.map { Units.duration(milliseconds: $0) + " ago" } ?? "",
            ])
        }
        return table.rendered(width: width)
    }
}
