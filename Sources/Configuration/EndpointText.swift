import Catalog

/// The URL of an endpoint: `http://HOST[:PORT][/PREFIX]`, or the same with https.
enum EndpointText {
    private static let form = "write http://HOST:PORT or http://HOST:PORT/PREFIX"

    private enum Scheme {
        case http, https

        var port: UInt16 { self == .http ? 80 : 443 }
    }

    /// An endpoint with https has its host as the name that its certificate must have.
    static func endpoint(_ text: String) throws(Refusal) -> Endpoint {
        let (scheme, rest) = try afterScheme(text)
        guard rest.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F && $0 != UInt8(ascii: "\\") }) else {
            throw Refusal("has a character that no URL has; \(form)")
        }
        guard !rest.contains("#") else { throw Refusal("has a fragment; \(form)") }
        guard !rest.contains("?") else { throw Refusal("has a query; \(form)") }
        let slash = rest.firstIndex(of: "/") ?? rest.endIndex
        let authority = rest[..<slash]
        guard !authority.contains("@") else { throw Refusal("has user information; \(form)") }
        return try endpoint(scheme, authority: authority, prefix: pathPrefix(rest[slash...]))
    }

    private static func afterScheme(_ text: String) throws(Refusal) -> (Scheme, Substring) {
        guard let colon = text.firstRange(of: "://") else { throw Refusal("is not a URL; \(form)") }
        switch text[..<colon.lowerBound].lowercased() {
        case "http": return (.http, text[colon.upperBound...])
        case "https": return (.https, text[colon.upperBound...])
        default: throw Refusal("has a scheme other than http and https; \(form)")
        }
    }

    private static func endpoint(_ scheme: Scheme, authority: Substring, prefix: String) throws(Refusal) -> Endpoint {
        let (host, bracketed, given) = try hostAndPort(authority)
        let port = given ?? scheme.port
        let address = IPAddress(String(host))
        if bracketed {
            guard address?.family == .v6 else { throw Refusal("has no IPv6 address in its brackets; \(form)") }
        } else if address == nil {
            try HostName.check(host)
        }
        if let address, address.isUnspecified || address.isMulticast {
            throw Refusal("has an address that nobody can be reached at; \(form)")
        }
        let name = address?.description ?? host.lowercased()
        let shown = bracketed ? "[\(name)]" : name
        return Endpoint(
            host: name, port: port, authority: port == scheme.port ? shown : "\(shown):\(port)", pathPrefix: prefix,
            addresses: address.map { [SocketAddress(ip: $0, port: port)] } ?? [],
            tls: scheme == .https ? EndpointTLS(serverName: name) : nil)
    }

    private static func hostAndPort(
        _ authority: Substring
    ) throws(Refusal) -> (host: Substring, bracketed: Bool, port: UInt16?) {
        var host = authority
        var portText: Substring?
        let bracketed = authority.hasPrefix("[")
        if bracketed {
            guard let close = authority.firstIndex(of: "]") else { throw Refusal("has a \"[\" without its \"]\"; \(form)") }
            host = authority[authority.index(after: authority.startIndex)..<close]
            let rest = authority[authority.index(after: close)...]
            guard rest.isEmpty || rest.hasPrefix(":") else { throw Refusal("has text after its \"]\"; \(form)") }
            if !rest.isEmpty { portText = rest.dropFirst() }
        } else if let colon = authority.firstIndex(of: ":") {
            host = authority[..<colon]
            portText = authority[authority.index(after: colon)...]
            guard portText?.contains(":") == false else { throw Refusal("has an IPv6 address without brackets; \(form)") }
        }
        guard !host.isEmpty else { throw Refusal("has no host; \(form)") }
        guard let portText else { return (host, bracketed, nil) }
        guard let port = AddressText.port(portText) else { throw Refusal("has no port from 1 to 65535; \(form)") }
        return (host, bracketed, port)
    }

    /// A path that goes before every request's own.
    static func prefix(_ text: String) throws(Refusal) -> String {
        guard text.hasPrefix("/"), text.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F && $0 != UInt8(ascii: "\\") }) else {
            throw Refusal("is not a path; write /PREFIX")
        }
        return try pathPrefix(text[...])
    }

    /// Without the slash at its end; empty for `/`.
    private static func pathPrefix(_ path: Substring) throws(Refusal) -> String {
        var path = path
        while path.hasSuffix("/") { path = path.dropLast() }
        guard !path.isEmpty else { return "" }
        for segment in path.dropFirst().split(separator: "/", omittingEmptySubsequences: false) {
            guard !segment.isEmpty, segment != ".", segment != ".." else {
                throw Refusal("has an empty, . or .. segment in its path; \(form)")
            }
            guard isSegment(segment) else { throw Refusal("has a character in its path that must be %-encoded; \(form)") }
        }
        return String(path)
    }

    /// RFC 3986 `segment`.
    private static func isSegment(_ text: Substring) -> Bool {
        var hexDigitsDue = 0
        for byte in text.utf8 {
            let character = Character(Unicode.Scalar(byte))
            if hexDigitsDue > 0 {
                guard character.isHexDigit else { return false }
                hexDigitsDue -= 1
            } else if character == "%" {
                hexDigitsDue = 2
            } else if !character.isLetter && !character.isNumber && !"-._~!$&'()*+,;=:@".contains(character) {
                return false
            }
        }
        return hexDigitsDue == 0
    }
}

/// DNS names.
enum HostName {
    /// Refuses what is not a name: labels of 1 to 63 letters, digits, `-` and `_`; a dot may stand at the end.
    static func check(_ text: Substring) throws(Refusal) {
        let name = text.hasSuffix(".") ? text.dropLast() : text
        let labels = name.split(separator: ".", omittingEmptySubsequences: false)
        guard name.utf8.count <= 253, labels.allSatisfy(isLabel) else {
            throw Refusal("has a host that is neither an address nor a name")
        }
        // `10.1.2` or `1.2.3.999`: resolvers would take it for an address of their own reading.
        guard let last = labels.last, !isNumber(last) else {
            throw Refusal("has a host that looks like an address and is not one")
        }
    }

    private static func isNumber(_ label: Substring) -> Bool {
        NumberText.isAllDigits(label) || label.lowercased().hasPrefix("0x") && label.dropFirst(2).allSatisfy(\.isHexDigit)
    }

    private static func isLabel(_ label: Substring) -> Bool {
        let allowed = label.utf8.allSatisfy { byte in
            let character = Character(Unicode.Scalar(byte))
            return byte < 0x80 && (character.isLetter || character.isNumber || character == "-" || character == "_")
        }
        return allowed && (1...63).contains(label.utf8.count) && !label.hasPrefix("-") && !label.hasSuffix("-")
    }
}
