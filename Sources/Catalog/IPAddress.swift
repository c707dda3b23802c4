import Glibc

/// An IPv4 or IPv6 address as a plain value: sixteen bytes in network order, of which IPv4 uses the first four.
package struct IPAddress: Hashable, Sendable {
    package enum Family: UInt8, Sendable { case v4 = 4, v6 = 6 }

    package let family: Family
    /// The address in network byte order, packed big-endian; IPv4 stands in the upper half of `high`.
    package let high: UInt64
    package let low: UInt64

    package init(family: Family, high: UInt64, low: UInt64) {
        self.family = family
        self.high = high
        self.low = family == .v4 ? 0 : low
    }

    /// The IPv4 address `a.b.c.d`.
    package init(v4 a: UInt8, _ b: UInt8, _ c: UInt8, _ d: UInt8) {
        let word = UInt64(a) << 24 | UInt64(b) << 16 | UInt64(c) << 8 | UInt64(d)
        self.init(family: .v4, high: word << 32, low: 0)
    }

    /// Sixteen bytes in network order (IPv4: the first four count); shorter input reads as zero beyond its end.
    package init(family: Family, bytes: some Sequence<UInt8>) {
        var words: (UInt64, UInt64) = (0, 0)
        for (index, byte) in bytes.prefix(family == .v4 ? 4 : 16).enumerated() {
            if index < 8 {
                words.0 |= UInt64(byte) << UInt64(56 - 8 * index)
            } else {
                words.1 |= UInt64(byte) << UInt64(120 - 8 * index)
            }
        }
        self.init(family: family, high: words.0, low: words.1)
    }

    /// Reads dotted-quad or RFC 4291 text; nil for anything else (no zone ids, no names).
    package init?(_ text: String) {
        var v4 = in_addr()
        if inet_pton(AF_INET, text, &v4) == 1 {
            self.init(family: .v4, high: UInt64(UInt32(bigEndian: v4.s_addr)) << 32, low: 0)
            return
        }
        var v6 = in6_addr()
        guard inet_pton(AF_INET6, text, &v6) == 1 else { return nil }
        self = withUnsafeBytes(of: v6) { IPAddress(family: .v6, bytes: $0) }
    }

    /// The byte at `index`, in network order.
    package func byte(_ index: Int) -> UInt8 {
        UInt8(truncatingIfNeeded: index < 8 ? high >> UInt64(56 - 8 * index) : low >> UInt64(120 - 8 * index))
    }

    package var bitWidth: Int { family == .v4 ? 32 : 128 }

    /// 127.0.0.0/8 or ::1.
    package var isLoopback: Bool {
        family == .v4 ? byte(0) == 127 : high == 0 && low == 1
    }
}

extension IPAddress: CustomStringConvertible {
    package var description: String {
        if family == .v4 { return "\(byte(0)).\(byte(1)).\(byte(2)).\(byte(3))" }
        var raw = in6_addr()
        withUnsafeMutableBytes(of: &raw) { bytes in
            for index in 0..<16 { bytes[index] = byte(index) }
        }
        var text = [CChar](repeating: 0, count: Int(INET6_ADDRSTRLEN))
        guard inet_ntop(AF_INET6, &raw, &text, socklen_t(text.count)) != nil else { return "::" }
        return String(decoding: text.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
    }
}

/// An address and a port.
package struct SocketAddress: Hashable, Sendable, CustomStringConvertible {
    package var ip: IPAddress
    package var port: UInt16

    package init(ip: IPAddress, port: UInt16) {
        self.ip = ip
        self.port = port
    }

    /// Reads `127.0.0.1:80` or `[::1]:80`; nil for anything else.
    package init?(_ text: String) {
        guard let colon = text.lastIndex(of: ":") else { return nil }
        let digits = text[text.index(after: colon)...]
        guard digits.utf8.allSatisfy({ (0x30...0x39).contains($0) }), let port = UInt16(digits) else { return nil }
        var host = text[..<colon]
        let bracketed = host.hasPrefix("[") && host.hasSuffix("]")
        if bracketed { host = host.dropFirst().dropLast() }
        guard let ip = IPAddress(String(host)), (ip.family == .v6) == bracketed else { return nil }
        self.init(ip: ip, port: port)
    }

    package var description: String { ip.family == .v4 ? "\(ip):\(port)" : "[\(ip)]:\(port)" }
}
