import HTTPWire

/// Field lines of a head that was parsed before: looked at again only where a policy wants to know one.
enum HeadField {
    /// The value of the first line with that name, without the space around it; nil: there is none.
    ///
    /// - Parameter name: in lower case.
    static func value(of name: [UInt8], in bytes: Span<UInt8>, from start: Int, size: Int) -> Range<Int>? {
        var line = start
        while line < size - 2 {
            let end = endOfLine(bytes, line, size)
            if let colon = nameEnd(bytes, line, end), matches(bytes, line..<colon, name) {
                return trimmed(bytes, colon + 1..<end - 2)
            }
            line = end
        }
        return nil
    }

    /// Whether there is a line with that name, which must be in lower case.
    static func has(_ name: StaticString, in bytes: Span<UInt8>, from start: Int, size: Int) -> Bool {
        var line = start
        while line < size - 2 {
            let end = endOfLine(bytes, line, size)
            if let colon = nameEnd(bytes, line, end), bytes.equals(line..<colon, ignoringCase: name) { return true }
            line = end
        }
        return false
    }

    /// Whether the line from `line` to `end` says how the body ends.
    static func isFraming(_ bytes: Span<UInt8>, _ line: Int, _ end: Int) -> Bool {
        guard let colon = nameEnd(bytes, line, end) else { return false }
        let name = line..<colon
        switch name.count {
        case 14: return bytes.equals(name, ignoringCase: "content-length")
        case 17: return bytes.equals(name, ignoringCase: "transfer-encoding")
        default: return false
        }
    }

    /// Where the next line begins.
    static func endOfLine(_ bytes: Span<UInt8>, _ line: Int, _ size: Int) -> Int {
        var index = line
        while index < size, bytes[index] != 0x0A { index += 1 }
        return min(index + 1, size)
    }

    private static func nameEnd(_ bytes: Span<UInt8>, _ line: Int, _ end: Int) -> Int? {
        var index = line
        while index < end, bytes[index] != 0x3A { index += 1 }
        return index < end ? index : nil
    }

    private static func matches(_ bytes: Span<UInt8>, _ range: Range<Int>, _ name: [UInt8]) -> Bool {
        guard range.count == name.count else { return false }
        for offset in name.indices {
            let byte = bytes[range.lowerBound + offset]
            let lower = byte &- 0x41 < 26 ? byte | 0x20 : byte
            if lower != name[offset] { return false }
        }
        return true
    }

    private static func trimmed(_ bytes: Span<UInt8>, _ range: Range<Int>) -> Range<Int> {
        var (start, end) = (range.lowerBound, max(range.lowerBound, range.upperBound))
        while start < end, bytes[start] == 0x20 || bytes[start] == 0x09 { start += 1 }
        while end > start, bytes[end - 1] == 0x20 || bytes[end - 1] == 0x09 { end -= 1 }
        return start..<end
    }
}
