import HTTPWire
import Testing

/// The searches by sixteen bytes find what a look at each byte finds, wherever in a block it stands.
struct ByteSearchTests {
    private static let tokens = Set("!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ".utf8)

    @Test(arguments: 0...255)
    func everyByteInAFieldName(byte: Int) throws {
        let byte = UInt8(byte)
        for position in 0..<40 {
            var name = Array(repeating: UInt8(ascii: "x"), count: 40)
            name[position] = byte
            let head = try Self.parse(field: name + Array(": v".utf8))
            // A colon ends the name early, which is well where something stands before it.
            let isRight = Self.tokens.contains(byte) || (byte == UInt8(ascii: ":") && position > 0)
            #expect((head != nil) == isRight, "byte \(byte) at \(position)")
        }
    }

    @Test(arguments: 0...255)
    func everyByteInAFieldValue(byte: Int) throws {
        let byte = UInt8(byte)
        for position in 0..<40 {
            var value = Array(repeating: UInt8(ascii: "v"), count: 40)
            value[position] = byte
            let head = try Self.parse(field: Array("name: ".utf8) + value)
            let isRight = byte == 0x09 || (byte >= 0x20 && byte != 0x7F)
            #expect((head != nil) == isRight, "byte \(byte) at \(position)")
        }
    }

    @Test(arguments: 0...255)
    func everyByteInAJSONString(byte: Int) {
        let byte = UInt8(byte)
        for position in 0..<40 {
            var text = Array(repeating: UInt8(ascii: "t"), count: 40)
            text[position] = byte
            let json = Array(#"{"messages":""#.utf8) + text + Array(#"","model":"m"}"#.utf8)
            var scanner = JSONKeyScanner()
            let isRight = byte >= 0x20 && byte < 0x80 && byte != UInt8(ascii: "\"") && byte != UInt8(ascii: "\\")
            // An escaped `t` is a tab; anywhere but before the quote that ends the string.
            let isEscape = byte == UInt8(ascii: "\\") && position < 39
            var isRead = true
            do {
                try scanner.scan(json.span, 0..<json.count)
                try scanner.finish()
            } catch {
                isRead = false
            }
            #expect(isRead == (isRight || isEscape), "byte \(byte) at \(position)")
        }
    }

    @Test func theEndOfAHeadIsFoundAtEveryOffset() throws {
        for length in 0..<70 {
            let head = Array("GET / HTTP/1.1\r\nname: \(String(repeating: "v", count: length))\r\n\r\n".utf8)
            let bytes = head + Array("body".utf8)
            var scanner = HeadScanner()
            #expect(try scanner.end(in: bytes.span) == head.count)
        }
    }

    /// The head of a request with this field; nil if it is malformed.
    private static func parse(field: [UInt8]) throws -> RequestHead? {
        let bytes = Array("GET / HTTP/1.1\r\nHost: a\r\n".utf8) + field + Array("\r\nlast: 1\r\n\r\n".utf8)
        var scanner = HeadScanner()
        do {
            guard let size = try scanner.end(in: bytes.span) else { return nil }
            return try RequestHead(parsing: bytes.span, size: size)
        } catch {
            return nil
        }
    }
}
