internal import Catalog

/// An http or https URL, taken apart.
struct WebAddress: Hashable, Sendable {
    let isSecure: Bool
    /// A name or a literal address, without brackets.
    let host: String
    let port: UInt16
    /// As `Host` has it.
    let authority: String
    /// Path and query.
    let target: String

    /// nil: it is no URL that can be asked. One with a user in it is none: who may see it where it is logged?
    init?(_ url: String) {
        guard url.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F }) else { return nil }
        let rest: Substring
        if url.hasPrefix("https://") {
            (isSecure, rest) = (true, url.dropFirst(8))
        } else if url.hasPrefix("http://") {
            (isSecure, rest) = (false, url.dropFirst(7))
        } else {
            return nil
        }
        let authority = rest.prefix { $0 != "/" && $0 != "?" && $0 != "#" }
        guard !authority.isEmpty, !authority.contains("@") else { return nil }
        guard let (host, port) = Self.split(authority, secure: isSecure) else { return nil }
        self.host = host
        self.port = port
        self.authority = String(authority)
        let target = rest.dropFirst(authority.count).prefix { $0 != "#" }
        self.target = target.hasPrefix("/") ? String(target) : "/" + target
    }

    private static func split(_ authority: Substring, secure: Bool) -> (String, UInt16)? {
        let usual: UInt16 = secure ? 443 : 80
        let host: Substring
        var rest: Substring
        if authority.first == "[" {
            guard let end = authority.firstIndex(of: "]") else { return nil }
            host = authority[authority.index(after: authority.startIndex)..<end]
            rest = authority[authority.index(after: end)...]
        } else {
            host = authority.prefix { $0 != ":" }
            rest = authority[host.endIndex...]
        }
        guard !host.isEmpty else { return nil }
        guard !rest.isEmpty else { return (String(host), usual) }
        guard rest.removeFirst() == ":", let port = UInt16(rest), port > 0 else { return nil }
        return (String(host), port)
    }

    /// - Parameter caFile: PEM authorities; nil: the system's.
    func tls(caFile: String?) -> EndpointTLS? { isSecure ? EndpointTLS(serverName: host, caFile: caFile) : nil }
}
