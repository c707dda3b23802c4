import HTTPWire

/// A path as servers understand it (RFC 3986 section 6.2.2): what has two spellings must not be judged by one of them and
/// obeyed by the other.
enum PlainPath {
    /// The path of a request target: what stands before the query.
    static func range(_ bytes: Span<UInt8>, _ target: Range<Int>) -> Range<Int> {
        var end = target.lowerBound
        while end < target.upperBound, bytes[end] != 0x3F { end += 1 }
        return target.lowerBound..<end
    }

    /// Whether the path has another spelling: escapes, empty segments, dots, and a fragment, which has no place in a request
    /// but which some servers take off.
    static func isOdd(_ bytes: Span<UInt8>, _ path: Range<Int>) -> Bool {
        var index = path.lowerBound
        while index < path.upperBound {
            let byte = bytes[index]
            if byte == 0x25 || byte == 0x5C || byte == 0x3B || byte == 0x23 { return true }
            if byte == 0x2F, index + 1 < path.upperBound, bytes[index + 1] == 0x2F || bytes[index + 1] == 0x2E { return true }
            index += 1
        }
        return false
    }

    /// The path without escapes, empty segments, dots, parameters of segments and a fragment.
    static func normalized(_ bytes: Span<UInt8>, _ path: Range<Int>) -> [UInt8] {
        var decoded: [UInt8] = []
        let end = path.first { bytes[$0] == 0x23 } ?? path.upperBound
        PercentCoding.appendDecoded(bytes, path.lowerBound..<end, to: &decoded)
        var segments: [ArraySlice<UInt8>] = []
        for segment in decoded.split(whereSeparator: { $0 == 0x2F || $0 == 0x5C }) {
            let name = segment.prefix { $0 != 0x3B }
            if name.isEmpty || name.elementsEqual(".".utf8) { continue }
            if name.elementsEqual("..".utf8) { _ = segments.popLast() } else { segments.append(name) }
        }
        return segments.isEmpty ? [0x2F] : segments.reduce(into: []) { $0 += [0x2F] + $1 }
    }
}
