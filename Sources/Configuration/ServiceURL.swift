import Catalog

/// URLs that the agent asks or tells by itself: of a key set, of a collector of audit lines.
enum ServiceURL {
    /// `https://…`, with a query if need be; http only where `allowsPlain`, and to this host.
    static func read(_ text: String, allowsPlain: Bool = false, because reason: String) throws(Refusal) -> String {
        guard text.utf8.count <= 2_048 else { throw Refusal("is longer than 2048 bytes") }
        let parts = text.split(separator: "?", maxSplits: 1, omittingEmptySubsequences: false)
        let endpoint = try EndpointText.endpoint(String(parts.first ?? ""))
        if parts.count == 2 {
            guard parts[1].utf8.allSatisfy({ (0x21...0x7E).contains($0) && $0 != UInt8(ascii: "#") && $0 != UInt8(ascii: "\\") })
            else {
                throw Refusal("has a character in its query that must be %-encoded")
            }
        }
        let isHere = endpoint.host == "localhost" || endpoint.addresses.first?.ip.isLoopback == true
        guard endpoint.tls != nil || allowsPlain || isHere else { throw Refusal("is not https, and \(reason)") }
        return text
    }

    static func isSecure(_ url: String) -> Bool { url.lowercased().hasPrefix("https://") }
}
