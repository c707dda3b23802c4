internal import Catalog

/// Whose name a browser called the admin listener by.
///
/// The listener asks nobody who they are, since only this node reaches it. A web page from elsewhere that has its own name
/// lead here (DNS rebinding) could read it through a browser on the node, but not without that name in the Host field.
enum AdminHost {
    /// Whether the one Host field has an address, or `localhost`, in it.
    static func isTrusted(_ hosts: [String]) -> Bool {
        guard hosts.count == 1, let host = name(hosts[0]) else { return false }
        return host.lowercased() == "localhost" || IPAddress(host) != nil
    }

    /// Without the port and, of IPv6, the brackets; nil: it is malformed.
    private static func name(_ host: String) -> String? {
        let end: String.Index
        let name: Substring
        if host.first == "[" {
            guard let bracket = host.firstIndex(of: "]") else { return nil }
            name = host[host.index(after: host.startIndex)..<bracket]
            guard name.contains(":") else { return nil }
            end = host.index(after: bracket)
        } else {
            end = host.firstIndex(of: ":") ?? host.endIndex
            name = host[..<end]
        }
        let port = host[end...]
        guard port.isEmpty || (port.first == ":" && port.count <= 6 && port.dropFirst().allSatisfy(\.isWholeNumber)) else {
            return nil
        }
        return String(name)
    }
}
