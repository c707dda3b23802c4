/// What a message's Connection fields say.
struct ConnectionOptions {
    var close = false
    var keepAlive = false
    var upgrade = false
    /// Connection names fields other than the usual ones; they are found by a second look.
    var namesOthers = false

    mutating func read(_ value: Range<Int>, in bytes: Span<UInt8>) throws(HeadFault) {
        var rest = value
        while let option = Self.next(&rest, in: bytes) {
            if bytes.equals(option, ignoringCase: "close") {
                close = true
            } else if bytes.equals(option, ignoringCase: "keep-alive") {
                keepAlive = true
            } else if bytes.equals(option, ignoringCase: "upgrade") {
                upgrade = true
            } else {
                try Self.refuseFraming(option, in: bytes)
                namesOthers = true
            }
        }
    }

    /// Whether the connection may be used again after this message.
    func persists(isHTTP11: Bool) -> Bool { !close && (isHTTP11 || keepAlive) }

    /// Whether the Connection line `value` names the field `name`.
    static func names(_ name: Range<Int>, in value: Range<Int>, of bytes: Span<UInt8>) -> Bool {
        var rest = value
        while let option = next(&rest, in: bytes) {
            guard option.count == name.count else { continue }
            let same = (0..<name.count).allSatisfy {
                ByteClass.lowercased(bytes[option.lowerBound + $0]) == ByteClass.lowercased(bytes[name.lowerBound + $0])
            }
            if same { return true }
        }
        return false
    }

    /// A hop-by-hop Host or length would hide from the next hop what this one went by.
    private static func refuseFraming(_ option: Range<Int>, in bytes: Span<UInt8>) throws(HeadFault) {
        if bytes.equals(option, ignoringCase: "host") || bytes.equals(option, ignoringCase: "content-length")
            || bytes.equals(option, ignoringCase: "transfer-encoding")
        {
            throw .connectionOption
        }
    }

    /// Takes the next element off a comma-separated list, without the space around it; empty ones are skipped.
    private static func next(_ rest: inout Range<Int>, in bytes: Span<UInt8>) -> Range<Int>? {
        while !rest.isEmpty {
            var end = rest.lowerBound
            while end < rest.upperBound, bytes[end] != 0x2C { end += 1 }
            var element = rest.lowerBound..<end
            rest = min(end + 1, rest.upperBound)..<rest.upperBound
            while let first = element.first, bytes[first] == 0x20 || bytes[first] == 0x09 {
                element = first + 1..<element.upperBound
            }
            while let last = element.last, bytes[last] == 0x20 || bytes[last] == 0x09 {
                element = element.lowerBound..<last
            }
            if !element.isEmpty { return element }
        }
        return nil
    }
}
