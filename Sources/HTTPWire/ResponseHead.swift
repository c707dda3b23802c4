/// A response head, parsed strictly.
package struct ResponseHead: Sendable {
    /// Bytes of the head, its empty line included.
    package private(set) var size = 0
    package private(set) var status = 0
    package private(set) var isHTTP11 = true
    /// As the fields say it; `bodyFraming(forHead:)` says it for a given request.
    package private(set) var framing = Framing.close
    package private(set) var keepAlive = true
    package private(set) var isEventStream = false
    package private(set) var hasRequestID = false
    /// The body is compressed, so nothing can be read in it.
    package private(set) var isEncoded = false
    package private(set) var fieldsStart = 0
    private var contentType = Piece.none
    /// There is a line that may say something of the server's own limits.
    private var namesLimits = false
    /// Hop-by-hop lines.
    package private(set) var dropped = LineSet()

    /// Parses the head that ends at `size` in `bytes`, as `HeadScanner` found it.
    package init(parsing bytes: Span<UInt8>, size: Int) throws(HeadFault) {
        self.size = size
        fieldsStart = try parseStatusLine(bytes)
        try readFields(bytes)
    }

    /// How this answer's body ends, given whether the request was HEAD (RFC 9112 section 6.3).
    package func bodyFraming(forHead: Bool) -> Framing {
        forHead || status < 200 || status == 204 || status == 304 ? .none : framing
    }

    /// Leaves out what the server says of limits of its own on requests, or tokens: another says that now.
    package mutating func dropLimits(requests: Bool, tokens: Bool, in bytes: Span<UInt8>) throws(HeadFault) {
        guard namesLimits else { return }
        var fields = FieldLines(from: fieldsStart, size: size)
        while let field = try fields.next(in: bytes) {
            let name = field.name
            guard bytes.begins(name, ignoringCase: "x-ratelimit-") else { continue }
            let ofRequests = Self.limitNames(bytes, name, "limit-requests", "remaining-requests", "reset-requests")
            let ofTokens = Self.limitNames(bytes, name, "limit-tokens", "remaining-tokens", "reset-tokens")
            if requests && ofRequests || tokens && ofTokens { try dropped.insert(field.line) }
        }
    }

    private static func limitNames(
        _ bytes: Span<UInt8>, _ name: Range<Int>, _ first: StaticString, _ second: StaticString, _ third: StaticString
    ) -> Bool {
        let rest = name.lowerBound + 12..<name.upperBound
        return bytes.equals(rest, ignoringCase: first) || bytes.equals(rest, ignoringCase: second)
            || bytes.equals(rest, ignoringCase: third)
    }

    /// Leaves out what says how the body ends: it is framed anew.
    package mutating func dropFraming(in bytes: Span<UInt8>) throws(HeadFault) {
        try dropped.insertFraming(from: fieldsStart, size: size, in: bytes)
    }

    /// How the body holds JSON, going by its type; nil: the type says nothing of the kind. `bytes` must hold the head.
    package func form(in bytes: Span<UInt8>) -> BodyForm? {
        if isEventStream { return .eventStream }
        let type = bytes.mediaType(contentType.range)
        switch type.count {
        case 16 where bytes.equals(type, ignoringCase: "application/json"): return .json
        case 20 where bytes.equals(type, ignoringCase: "application/x-ndjson"),
            18 where bytes.equals(type, ignoringCase: "application/ndjson"),
            17 where bytes.equals(type, ignoringCase: "application/jsonl"),
            21 where bytes.equals(type, ignoringCase: "application/jsonlines"),
            23 where bytes.equals(type, ignoringCase: "application/x-jsonlines"):
            return .jsonLines
        case 6... where bytes.equals(type.upperBound - 5..<type.upperBound, ignoringCase: "+json"): return .json
        default: return nil
        }
    }

    private mutating func parseStatusLine(_ bytes: Span<UInt8>) throws(HeadFault) -> Int {
        guard size >= 16, bytes.equals(0..<7, "HTTP/1."), bytes[7] == 0x31 || bytes[7] == 0x30,
            bytes[8] == 0x20
        else { throw .statusLine }
        isHTTP11 = bytes[7] == 0x31
        for index in 9..<12 {
            guard ByteClass.isDigit(bytes[index]) else { throw .statusLine }
            status = status * 10 + Int(bytes[index] - 0x30)
        }
        guard (100...599).contains(status) else { throw .statusLine }
        var index = 12
        // The space before the reason is required, but servers leave it out with an empty reason.
        guard bytes[index] == 0x20 || bytes[index] == 0x0D else { throw .statusLine }
        while ByteClass.isFieldContent(bytes[index]) { index += 1 }
        guard bytes[index] == 0x0D, bytes[index + 1] == 0x0A else { throw .statusLine }
        return index + 2
    }

    private mutating func readFields(_ bytes: Span<UInt8>) throws(HeadFault) {
        var body = FramingFields()
        var connection = ConnectionOptions()
        var fields = FieldLines(from: fieldsStart, size: size)
        while let field = try fields.next(in: bytes) {
            let (name, value) = (field.name, field.value)
            switch name.count {
            case 7 where bytes.equals(name, ignoringCase: "upgrade"): try dropped.insert(field.line)
            case 10 where bytes.equals(name, ignoringCase: "connection"):
                try connection.read(value, in: bytes)
                try dropped.insert(field.line)
            case 10 where bytes.equals(name, ignoringCase: "keep-alive"): try dropped.insert(field.line)
            case 12 where bytes.equals(name, ignoringCase: "content-type"):
                contentType = Piece(value)
                isEventStream = bytes.begins(value, ignoringCase: "text/event-stream")
            case 12 where bytes.equals(name, ignoringCase: "x-request-id"): hasRequestID = true
            case 14 where bytes.equals(name, ignoringCase: "content-length"): try body.contentLength(value, in: bytes)
            case 16 where bytes.equals(name, ignoringCase: "proxy-connection"):
                try dropped.insert(field.line)
            case 16 where bytes.equals(name, ignoringCase: "content-encoding"):
                if !bytes.equals(value, ignoringCase: "identity") { isEncoded = true }
            case 17 where bytes.equals(name, ignoringCase: "transfer-encoding"):
                try body.transferEncoding(value, in: bytes)
            // The shortest of those names is `x-ratelimit-reset-tokens`.
            case 24... where bytes.begins(name, ignoringCase: "x-ratelimit-"): namesLimits = true
            default: break
            }
        }
        framing = try body.framing(isHTTP11: isHTTP11, otherwise: .close)
        keepAlive = connection.persists(isHTTP11: isHTTP11)
    }
}
