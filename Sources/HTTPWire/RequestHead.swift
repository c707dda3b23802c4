/// The methods that the broker tells apart.
package enum Method: UInt8, Hashable, Sendable {
    case get, head, post, put, options, connect, other
}

/// A request head, parsed strictly: what it says about the message, and which of its lines end at this hop.
package struct RequestHead: Sendable {
    /// Bytes of the head, its empty line included.
    package private(set) var size = 0
    package private(set) var method = Method.other
    package private(set) var methodName = Piece.none
    /// Where it is an absolute URL, the path and the query in that.
    package private(set) var target = Piece.none
    package private(set) var isHTTP11 = true
    package private(set) var framing = Framing.none
    /// The client wants the connection to stay open.
    package var keepAlive = true
    package private(set) var expectsContinue = false
    /// The client asks for another protocol on this connection.
    package private(set) var wantsUpgrade = false
    /// The body says that it is JSON, or nothing that speaks against it.
    package private(set) var mayBeJSON = true
    /// What the caller proves itself with, by a key or otherwise.
    package private(set) var credentials = CredentialLines()
    package private(set) var host = Piece.none
    package private(set) var requestID = Piece.none
    /// Where the first field line starts.
    package private(set) var fieldsStart = 0
    /// It says that it may be answered behind all others.
    package private(set) var asksBatch = false
    /// Lines that a governed request leaves behind: hop-by-hop fields, Host, credentials, and names reserved to the broker.
    package private(set) var dropped = LineSet()

    package init() {}

    /// Parses the head that ends at `size` in `bytes`, as `HeadScanner` found it.
    package init(parsing bytes: Span<UInt8>, size: Int) throws(HeadFault) {
        self.size = size
        fieldsStart = try parseRequestLine(bytes)
        try readFields(bytes)
    }

    /// Leaves out what says how the body ends: it is framed anew.
    package mutating func dropFraming(in bytes: Span<UInt8>) throws(HeadFault) {
        try dropped.insertFraming(from: fieldsStart, size: size, in: bytes)
    }

    /// Leaves out the fields of the trace that the request belongs to, which the broker writes anew: `traceparent`, and
    /// `tracestate` where that of the parent may not be used.
    package mutating func dropTrace(in bytes: Span<UInt8>) throws(HeadFault) -> TraceFields {
        var trace = TraceFields()
        var kept = dropped
        var fields = FieldLines(from: fieldsStart, size: size)
        while let field = try fields.next(in: bytes) {
            if field.name.count == 11, bytes.equals(field.name, ignoringCase: "traceparent") {
                trace.take(parent: field.value, in: bytes)
                try kept.insert(field.line)
            } else if field.name.count == 10, bytes.equals(field.name, ignoringCase: "tracestate") {
                trace.take(state: field.value)
            }
        }
        trace.finish()
        if trace.parent == nil {
            fields = FieldLines(from: fieldsStart, size: size)
            while let field = try fields.next(in: bytes) {
                if bytes.equals(field.name, ignoringCase: "tracestate") { try kept.insert(field.line) }
            }
        }
        dropped = kept
        return trace
    }

    private mutating func parseRequestLine(_ bytes: Span<UInt8>) throws(HeadFault) -> Int {
        var index = 0
        while ByteClass.isToken(bytes[index]) { index += 1 }
        guard index > 0, index <= 32, bytes[index] == 0x20 else { throw .requestLine }
        methodName = Piece(start: 0, count: index)
        method = Self.method(bytes, index)
        let targetStart = index + 1
        index = targetStart
        while ByteClass.isTarget(bytes[index]) { index += 1 }
        guard index > targetStart, bytes[index] == 0x20 else { throw .requestLine }
        let start = Self.originForm(bytes, targetStart..<index)
        target = Piece(start: start, count: index - start)
        let version = index + 1
        guard version + 10 <= size else { throw .requestLine }
        guard bytes.equals(version..<version + 5, "HTTP/"), bytes[version + 6] == 0x2E,
            ByteClass.isDigit(bytes[version + 5]), ByteClass.isDigit(bytes[version + 7])
        else { throw .requestLine }
        guard bytes[version + 8] == 0x0D, bytes[version + 9] == 0x0A else { throw .requestLine }
        guard bytes[version + 5] == 0x31, bytes[version + 7] <= 0x31 else { throw .version }
        isHTTP11 = bytes[version + 7] == 0x31
        return version + 10
    }

    /// Where the path begins of a target in absolute form (RFC 9112 section 3.2.2): servers obey that path, so it is the one
    /// to be judged. A target without a scheme and a path behind it is left as it is.
    private static func originForm(_ bytes: Span<UInt8>, _ target: Range<Int>) -> Int {
        guard bytes[target.lowerBound] != 0x2F else { return target.lowerBound }
        var index = target.lowerBound
        while index < target.upperBound, isSchemeByte(bytes[index]) { index += 1 }
        guard index > target.lowerBound, index < target.upperBound, bytes[index] == 0x3A else { return target.lowerBound }
        index += 1
        if target.upperBound - index >= 2, bytes.equals(index..<index + 2, "//") {
            index += 2
            while index < target.upperBound, bytes[index] != 0x2F, bytes[index] != 0x3F { index += 1 }
        }
        return index < target.upperBound && bytes[index] == 0x2F ? index : target.lowerBound
    }

    private static func isSchemeByte(_ byte: UInt8) -> Bool {
        (byte | 0x20) &- 0x61 < 26 || ByteClass.isDigit(byte) || byte == 0x2B || byte == 0x2D || byte == 0x2E
    }

    private static func method(_ bytes: Span<UInt8>, _ count: Int) -> Method {
        let name = 0..<count
        if bytes.equals(name, "POST") { return .post }
        if bytes.equals(name, "GET") { return .get }
        if bytes.equals(name, "HEAD") { return .head }
        if bytes.equals(name, "PUT") { return .put }
        if bytes.equals(name, "OPTIONS") { return .options }
        return bytes.equals(name, "CONNECT") ? .connect : .other
    }

    private mutating func readFields(_ bytes: Span<UInt8>) throws(HeadFault) {
        var body = FramingFields()
        var connection = ConnectionOptions()
        var hosts = 0
        var upgradeField = false
        var fields = FieldLines(from: fieldsStart, size: size)
        while let field = try fields.next(in: bytes) {
            let (name, value) = (field.name, field.value)
            // The length tells most names apart before a byte is compared.
            switch name.count {
            case 4 where bytes.equals(name, ignoringCase: "host"):
                hosts += 1
                host = Piece(value)
                try dropped.insert(field.line)
            case 2 where bytes.equals(name, ignoringCase: "te"): try dropped.insert(field.line)
            case 6 where bytes.equals(name, ignoringCase: "expect"):
                guard bytes.equals(value, ignoringCase: "100-continue") else { throw .expectation }
                expectsContinue = true
                try dropped.insert(field.line)
            case 7 where bytes.equals(name, ignoringCase: "upgrade"):
                upgradeField = true
                try dropped.insert(field.line)
            case 7 where bytes.equals(name, ignoringCase: "api-key"), 9 where bytes.equals(name, ignoringCase: "x-api-key"):
                credentials.insert(.key, field.line, value)
                try dropped.insert(field.line)
            case 13 where bytes.equals(name, ignoringCase: "authorization"):
                credentials.insertAuthorization(field, in: bytes)
                try dropped.insert(field.line)
            case 10 where bytes.equals(name, ignoringCase: "connection"):
                try connection.read(value, in: bytes)
                try dropped.insert(field.line)
            case 10 where bytes.equals(name, ignoringCase: "keep-alive"): try dropped.insert(field.line)
            case 12 where bytes.equals(name, ignoringCase: "content-type"):
                mayBeJSON = Self.isJSON(value, in: bytes)
            case 12 where bytes.equals(name, ignoringCase: "x-request-id"):
                // Repeated or overlong ids are not echoed.
                requestID = requestID.isEmpty && value.count <= 128 ? Piece(value) : .none
            case 14 where bytes.equals(name, ignoringCase: "content-length"): try body.contentLength(value, in: bytes)
            case 15 where bytes.equals(name, ignoringCase: "x-service-group"):
                try dropped.insert(field.line)
            case 16 where bytes.equals(name, ignoringCase: "proxy-connection"):
                try dropped.insert(field.line)
            case 19 where bytes.equals(name, ignoringCase: "proxy-authorization"):
                try dropped.insert(field.line)
            case 17 where bytes.equals(name, ignoringCase: "transfer-encoding"):
                try body.transferEncoding(value, in: bytes)
            case 15... where bytes.begins(name, ignoringCase: "x-modelbroker-"):
                if bytes.equals(name, ignoringCase: "x-modelbroker-delivery") {
                    asksBatch = bytes.equals(value, ignoringCase: "batch")
                }
                try dropped.insert(field.line)
            default: break
            }
        }
        guard hosts == 1 || (hosts == 0 && !isHTTP11), host.range.allSatisfy({ ByteClass.isHost(bytes[$0]) }) else { throw .host }
        framing = try body.framing(isHTTP11: isHTTP11, otherwise: .none)
        keepAlive = connection.persists(isHTTP11: isHTTP11)
        wantsUpgrade = upgradeField && connection.upgrade
        if connection.namesOthers { try dropNamed(bytes) }
    }

    /// Drops the lines that Connection lines name.
    private mutating func dropNamed(_ bytes: Span<UInt8>) throws(HeadFault) {
        var fields = FieldLines(from: fieldsStart, size: size)
        while let field = try fields.next(in: bytes) {
            guard bytes.equals(field.name, ignoringCase: "connection") else { continue }
            var others = FieldLines(from: fieldsStart, size: size)
            while let other = try others.next(in: bytes) {
                if ConnectionOptions.names(other.name, in: field.value, of: bytes) { try dropped.insert(other.line) }
            }
        }
    }

    private static func isJSON(_ value: Range<Int>, in bytes: Span<UInt8>) -> Bool {
        let type = bytes.mediaType(value)
        if bytes.equals(type, ignoringCase: "application/json") { return true }
        // What curl says unasked, and what hand-written clients say.
        if bytes.equals(type, ignoringCase: "application/x-www-form-urlencoded") { return true }
        if bytes.equals(type, ignoringCase: "text/plain") { return true }
        return type.count > 5 && bytes.equals(type.upperBound - 5..<type.upperBound, ignoringCase: "+json")
    }
}
