import HTTPWire

/// Tells from the first bytes of a connection whether they begin an HTTP/1.x request.
enum ProtocolSniffer {
    enum Verdict: Hashable {
        case http
        /// Something else; what it looks like.
        case opaque(Guess)
        case undecided
    }

    enum Guess: Hashable {
        case tls, http2, tunnel, text, binary

        var description: String {
            switch self {
            case .tls: "tls"
            case .http2: "http2"
            case .tunnel: "http CONNECT"
            case .text: "text"
            case .binary: "binary"
            }
        }
    }

    /// A first line longer than a head may be cannot be HTTP.
    private static let lineLimit = 32 << 10

    static func judge(_ bytes: Span<UInt8>) -> Verdict {
        guard bytes.count > 0 else { return .undecided }
        if bytes[0] == 0x16 { return judgeTLS(bytes) }
        var index = 0
        while index < bytes.count, bytes[index] > 0x20, bytes[index] < 0x7F, index <= 32 { index += 1 }
        guard index < bytes.count else { return .undecided }
        guard index > 0, index <= 32, bytes[index] == 0x20 else {
            return .opaque(bytes[0] >= 0x20 && bytes[0] < 0x7F ? .text : .binary)
        }
        return judgeLine(bytes, methodEnd: index)
    }

    private static func judgeTLS(_ bytes: Span<UInt8>) -> Verdict {
        guard bytes.count >= 3 else { return .undecided }
        return .opaque(bytes[1] == 0x03 && bytes[2] <= 0x04 ? .tls : .binary)
    }

    /// Looks at the whole first line: anything but a version 1.x at its end is another protocol.
    private static func judgeLine(_ bytes: Span<UInt8>, methodEnd: Int) -> Verdict {
        var end = methodEnd
        while end < bytes.count, bytes[end] != 0x0A {
            // Only what can stand in a text line keeps the question open.
            if bytes[end] < 0x20, bytes[end] != 0x0D, bytes[end] != 0x09 { return .opaque(.binary) }
            end += 1
        }
        guard end < bytes.count else { return bytes.count > lineLimit ? .opaque(.text) : .undecided }
        if end > 0, bytes[end - 1] == 0x0D { end -= 1 }
        guard end >= methodEnd + 10, bytes.equals(end - 9..<end - 1, " HTTP/1.") else {
            return .opaque(bytes.equals(0..<min(end, 14), "PRI * HTTP/2.0") ? .http2 : .text)
        }
        return bytes.equals(0..<methodEnd, "CONNECT") ? .opaque(.tunnel) : .http
    }
}

/// Reads the server name out of a TLS ClientHello (RFC 8446 section 4.1.2, RFC 6066 section 3).
enum ClientHello {
    /// The name; nil when there is none or the hello is not whole.
    static func serverName(_ bytes: Span<UInt8>) -> String? {
        var reader = Reader(bytes: bytes, position: 5 + 4 + 2 + 32)  // record, handshake, version, random
        guard bytes.count > 43, bytes[5] == 1, reader.skip(lengthBytes: 1), reader.skip(lengthBytes: 2),
            reader.skip(lengthBytes: 1), let total = reader.number(2)
        else { return nil }
        let end = min(reader.position + total, bytes.count)
        while reader.position + 4 <= end {
            guard let type = reader.number(2), let length = reader.number(2) else { return nil }
            guard type == 0 else {
                reader.position += length
                continue
            }
            guard reader.number(2) != nil, reader.number(1) == 0, let count = reader.number(2), count <= 255,
                reader.position + count <= end
            else { return nil }
            let range = reader.position..<reader.position + count
            guard range.allSatisfy({ bytes[$0] > 0x20 && bytes[$0] < 0x7F }) else { return nil }
            return String(decoding: range.map { bytes[$0] }, as: UTF8.self)
        }
        return nil
    }

    private struct Reader: ~Escapable {
        let bytes: Span<UInt8>
        var position: Int

        @_lifetime(copy bytes)
        init(bytes: Span<UInt8>, position: Int) {
            self.bytes = bytes
            self.position = position
        }

        @_lifetime(self: copy self)
        mutating func number(_ count: Int) -> Int? {
            guard position + count <= bytes.count else { return nil }
            var value = 0
            for _ in 0..<count {
                value = value << 8 | Int(bytes[position])
                position += 1
            }
            return value
        }

        @_lifetime(self: copy self)
        mutating func skip(lengthBytes: Int) -> Bool {
            guard let length = number(lengthBytes) else { return false }
            position += length
            return position <= bytes.count
        }
    }
}
