/// Pods by what the cluster says of them. All that is given must hold.
package struct PodMatch: Hashable, Sendable {
    /// Any of these; empty: whatever it is.
    package var namespaces: [String]
    package var serviceAccounts: [String]
    /// All of these.
    package var labels: [String: String]

    package init(namespaces: [String] = [], serviceAccounts: [String] = [], labels: [String: String] = [:]) {
        self.namespaces = namespaces
        self.serviceAccounts = serviceAccounts
        self.labels = labels
    }

    /// `namespace shop, service account checkout, app=checkout`.
    package var text: String {
        var parts: [String] = []
        if !namespaces.isEmpty { parts.append("namespace \(namespaces.joined(separator: " or "))") }
        if !serviceAccounts.isEmpty { parts.append("service account \(serviceAccounts.joined(separator: " or "))") }
        parts += labels.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }
        return parts.joined(separator: ", ")
    }
}
