/// How the end of a message body is told.
package enum Framing: Hashable, Sendable {
    case none
    case length(UInt64)
    case chunked
    /// Until the connection closes: answers only.
    case close
}

/// What Content-Length and Transfer-Encoding fields say, gathered line by line.
struct FramingFields {
    private var length: UInt64?
    private var chunked = false

    /// Takes note of a Content-Length line: digits only, and only one such line.
    mutating func contentLength(_ value: Range<Int>, in bytes: Span<UInt8>) throws(HeadFault) {
        guard length == nil else { throw .repeatedContentLength }
        guard !value.isEmpty, value.count <= 18 else { throw .contentLength }
        var number: UInt64 = 0
        for index in value {
            guard ByteClass.isDigit(bytes[index]) else { throw .contentLength }
            number = number &* 10 &+ UInt64(bytes[index] &- 0x30)
        }
        length = number
    }

    /// Takes note of a Transfer-Encoding line: `chunked` alone, and only one such line.
    mutating func transferEncoding(_ value: Range<Int>, in bytes: Span<UInt8>) throws(HeadFault) {
        guard !chunked, bytes.equals(value, ignoringCase: "chunked") else { throw .transferEncoding }
        chunked = true
    }

    /// The framing that both say together; `otherwise` where neither does.
    func framing(isHTTP11: Bool, otherwise: Framing) throws(HeadFault) -> Framing {
        if chunked {
            guard length == nil else { throw .lengthAndTransferEncoding }
            guard isHTTP11 else { throw .transferEncodingInHTTP10 }
            return .chunked
        }
        guard let length else { return otherwise }
        return .length(length)
    }
}
