package import Catalog

/// A client of the configuration, with the number by which the kernel knows it.
package struct ClientReport: Hashable, Sendable, Codable {
    /// 1 + position in the configuration.
    package var number: UInt32
    package var name: String
    package var workloads: [String]
    /// nil: every public model.
    package var allow: [String]?
    package var deny: [String]

    package init(_ client: Client, number: UInt32) {
        self.number = number
        name = client.name
        workloads = client.workloads
        allow = client.allow
        deny = client.deny
    }
}
