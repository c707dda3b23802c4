import NIOCore

/// A request head, as it came and as it reads.
struct RequestHead: Sendable {
    var raw: [UInt8]
    var method: String
    var target: String
    var minorVersion: Int
    /// Names in lower case.
    var fields: [(name: String, value: String)]

    func values(_ name: String) -> [String] { fields.filter { $0.name == name }.map(\.value) }
    func has(_ name: String, _ token: String) -> Bool { values(name).contains { $0.lowercased() == token } }
    var path: String { String(target.prefix { $0 != "?" }) }
    var keepsAlive: Bool { minorVersion >= 1 && !has("connection", "close") }
}

/// Takes requests out of the bytes of a connection: pure, one request at a time.
///
/// It keeps to RFC 9112 and gives up on anything that an endpoint must never be sent by a broker.
struct RequestAssembler {
    enum Event {
        case head(RequestHead)
        case body([UInt8])
        case end
        case malformed(String)
    }

    private enum State { case head, length(Int), chunkSize, chunk(Int), chunkEnd, trailers, ended, broken }

    private var state = State.head
    private var bytes: [UInt8] = []

    mutating func append(_ more: some Sequence<UInt8>) { bytes.append(contentsOf: more) }

    /// What has arrived and not been taken: the bytes after an upgrade.
    mutating func takeRest() -> [UInt8] {
        defer { bytes = [] }
        return bytes
    }

    /// The next request may be read.
    mutating func next() { if case .ended = state { state = .head } }

    /// The next event of the request under way; nil: more bytes are needed, or `next` is.
    mutating func event() -> Event? {
        switch state {
        case .head: return head()
        case .length(0):
            state = .ended
            return .end
        case .length(let rest), .chunk(let rest): return body(rest)
        case .chunkSize: return chunkSize()
        case .chunkEnd:
            guard let line = line() else { return nil }
            state = .chunkSize
            return line.isEmpty ? event() : malformed("no line end after a chunk")
        case .trailers:
            guard let line = line() else { return nil }
            if line.isEmpty { state = .ended }
            return line.isEmpty ? .end : event()
        case .ended, .broken: return nil
        }
    }

    private mutating func malformed(_ reason: String) -> Event {
        state = .broken
        return .malformed(reason)
    }

    private mutating func line() -> [UInt8]? {
        guard let end = find([13, 10]) else { return nil }
        defer { bytes.removeFirst(end + 2) }
        return Array(bytes[..<end])
    }

    /// Where `pattern` begins.
    private func find(_ pattern: [UInt8]) -> Int? {
        var matched = 0
        for (index, byte) in bytes.enumerated() {
            matched = byte == pattern[matched] ? matched + 1 : (byte == pattern[0] ? 1 : 0)
            if matched == pattern.count { return index + 1 - pattern.count }
        }
        return nil
    }

    private mutating func body(_ rest: Int) -> Event? {
        guard !bytes.isEmpty else { return nil }
        let piece = Array(bytes.prefix(rest))
        bytes.removeFirst(piece.count)
        if case .length = state {
            state = .length(rest - piece.count)
        } else {
            state = piece.count == rest ? .chunkEnd : .chunk(rest - piece.count)
        }
        return .body(piece)
    }

    private mutating func chunkSize() -> Event? {
        guard let line = line() else { return nil }
        let digits = line.prefix { $0 != UInt8(ascii: ";") }
        guard let size = Int(String(decoding: digits, as: UTF8.self), radix: 16), size >= 0 else {
            return malformed("chunk size")
        }
        state = size == 0 ? .trailers : .chunk(size)
        return event()
    }

    private mutating func head() -> Event? {
        guard let end = find([13, 10, 13, 10]) else {
            return bytes.count > 1 << 17 ? malformed("endless head") : nil
        }
        let raw = Array(bytes[..<(end + 4)])
        bytes.removeFirst(end + 4)
        guard let head = RequestHead(raw: raw) else { return malformed("head") }
        let (lengths, codings) = (head.values("content-length"), head.values("transfer-encoding"))
        if !codings.isEmpty {
            guard lengths.isEmpty, codings.count == 1, head.has("transfer-encoding", "chunked") else {
                return malformed("framing")
            }
            state = .chunkSize
        } else if let text = lengths.first {
            guard lengths.count == 1, let length = Int(text), length >= 0 else { return malformed("length") }
            state = .length(length)
        } else {
            state = .length(0)
        }
        return .head(head)
    }
}

extension RequestHead {
    /// nil: not a head.
    init?(raw: [UInt8]) {
        let text = String(decoding: raw.dropLast(4).map { $0 < 128 ? $0 : UInt8(ascii: "?") }, as: UTF8.self)
        var lines = text.unicodeScalars.split(separator: "\n", omittingEmptySubsequences: false)[...]
        guard let first = lines.popFirst() else { return nil }
        let words = String(first).replacingReturn().split(separator: " ", omittingEmptySubsequences: false)
        guard words.count == 3, words[2].hasPrefix("HTTP/1."), let minor = Int(words[2].dropFirst(7)) else { return nil }
        var fields: [(name: String, value: String)] = []
        for line in lines {
            let parts = String(line).replacingReturn().split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
            guard parts.count == 2, !parts[0].isEmpty, parts[0].allSatisfy({ $0 != " " && $0 != "\t" }) else { return nil }
            let value = parts[1].drop { $0 == " " || $0 == "\t" }.reversed().drop { $0 == " " || $0 == "\t" }.reversed()
            fields.append((parts[0].lowercased(), String(value)))
        }
        self.init(raw: raw, method: String(words[0]), target: String(words[1]), minorVersion: minor, fields: fields)
    }
}

extension String {
    fileprivate func replacingReturn() -> Substring { hasSuffix("\r") ? dropLast() : self[...] }
}
