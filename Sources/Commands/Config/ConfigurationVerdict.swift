package import Catalog
package import Configuration

/// What `config check` found.
package struct ConfigurationVerdict: Hashable, Sendable, Encodable {
    package struct Fault: Hashable, Sendable, Encodable {
        package var line: Int?
        package var key: String
        package var message: String
    }

    package struct Counts: Hashable, Sendable, Encodable {
        package var rules: Int
        package var models: Int
        package var endpoints: Int
        package var pools: Int
        package var clients: Int
        package var keys: Int
        package var issuers: Int
        /// Beside the default one.
        package var groups: Int
    }

    package var valid: Bool
    package var faults: [Fault]
    /// nil when there are faults.
    package var counts: Counts?
    /// Faults found beyond those listed.
    package var omitted: Int

    package init(_ catalog: Catalog) {
        valid = true
        faults = []
        counts = Counts(
            rules: catalog.rules.count, models: catalog.models.count,
            endpoints: catalog.models.reduce(0) { $0 + $1.endpoints.count }, pools: catalog.pools.count,
            clients: catalog.clients.count, keys: catalog.clients.reduce(0) { $0 + $1.keys.count },
            issuers: catalog.authentication.issuers.count, groups: catalog.allGroups.count - 1)
        omitted = 0
    }

    package init(_ error: ConfigurationFaults) {
        valid = false
        faults = error.faults.map { Fault(line: $0.line, key: $0.key, message: $0.message) }
        counts = nil
        omitted = error.omitted
    }

    /// The faults as lines for people: `mb.yaml: line 12: capture[0].to[1]: …`.
    package func lines(of file: String) -> [String] {
        let lines = faults.map { fault in
            let place = fault.line.map { "\(file): line \($0): " } ?? ""
            return place + (fault.key.isEmpty ? "" : fault.key + ": ") + fault.message
        }
        return omitted > 0 ? lines + ["and \(omitted) more"] : lines
    }

    /// `valid: 2 rules, 1 model, …`.
    package var summary: String {
        guard let counts else { return Units.count(faults.count, "fault") }
        return "valid: "
            + [
                Units.count(counts.rules, "rule"), Units.count(counts.models, "model"),
                Units.count(counts.endpoints, "endpoint"), Units.count(counts.pools, "pool"),
                Units.count(counts.clients, "client"), Units.count(counts.keys, "key"),
                Units.count(counts.issuers, "issuer"), Units.count(counts.groups, "group"),
            ].joined(separator: ", ")
    }
}
