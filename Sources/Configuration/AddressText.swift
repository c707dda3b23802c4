import Catalog

/// Addresses and ports.
enum AddressText {
    /// `127.0.0.1:8080` or `[::1]:8080`.
    static func socketAddress(_ text: String) throws(Refusal) -> SocketAddress {
        let form = "write ADDRESS:PORT, as 127.0.0.1:8080 or [::1]:8080"
        let parts = try split(text, form)
        guard let port = port(parts.port) else { throw Refusal("has no port from 1 to 65535; \(form)") }
        guard let ip = IPAddress(String(parts.host)), (ip.family == .v6) == parts.bracketed else {
            throw Refusal("has no literal \(parts.bracketed ? "IPv6" : "IPv4") address; \(form)")
        }
        if let plain = ip.unmapped { throw mapped(SocketAddress(ip: plain, port: port).description) }
        return SocketAddress(ip: ip, port: port)
    }

    /// A literal address without a port: `169.254.77.1`, `fd00::1`.
    static func address(_ text: String) throws(Refusal) -> IPAddress {
        guard let address = IPAddress(text) else {
            throw Refusal("is not an address; write a literal one without a port, as 169.254.77.1 or fd00::1")
        }
        if let plain = address.unmapped { throw mapped(plain.description) }
        return address
    }

    /// A port from 1 to 65535, decimal.
    static func port(_ text: some StringProtocol) -> UInt16? {
        NumberText.digits(text).flatMap { $0 == 0 ? nil : UInt16(exactly: $0) }
    }

    /// Takes `host:port` and `[host]:port` apart; without brackets the host has no colon.
    static func split(
        _ text: String, _ form: String
    ) throws(Refusal) -> (host: Substring, bracketed: Bool, port: Substring) {
        if text.hasPrefix("[") {
            guard let close = text.firstIndex(of: "]") else { throw Refusal("has a \"[\" without its \"]\"; \(form)") }
            let rest = text[text.index(after: close)...]
            guard rest.hasPrefix(":") else { throw Refusal("has no port; \(form)") }
            return (text[text.index(after: text.startIndex)..<close], true, rest.dropFirst())
        }
        guard let colon = text.lastIndex(of: ":") else { throw Refusal("has no port; \(form)") }
        let host = text[..<colon]
        guard !host.contains(":") else { throw Refusal("has an IPv6 address without brackets; \(form)") }
        return (host, false, text[text.index(after: colon)...])
    }

    /// The kernel treats `::ffff:a.b.c.d` as IPv4, so must we.
    private static func mapped(_ plain: String) -> Refusal { Refusal("is an IPv4 address in IPv6 form", write: plain) }
}

extension IPAddress {
    /// The IPv4 address in `::ffff:a.b.c.d`; nil for every other address.
    var unmapped: IPAddress? {
        guard family == .v6, high == 0, low >> 32 == 0xFFFF else { return nil }
        return IPAddress(family: .v4, high: low << 32, low: 0)
    }

    /// 0.0.0.0 or ::.
    var isUnspecified: Bool { high == 0 && low == 0 }

    /// 224.0.0.0/4, ff00::/8 or the IPv4 broadcast address.
    var isMulticast: Bool {
        family == .v6 ? byte(0) == 0xFF : byte(0) >> 4 == 0xE || high >> 32 == 0xFFFF_FFFF
    }

    /// The bits below `prefix` cleared.
    func masked(to prefix: Int) -> IPAddress {
        let bytes = (0..<bitWidth / 8).map { index in
            let kept = min(max(prefix - 8 * index, 0), 8)
            return byte(index) & ~UInt8(truncatingIfNeeded: 0xFF >> kept)
        }
        return IPAddress(family: family, bytes: bytes)
    }
}
