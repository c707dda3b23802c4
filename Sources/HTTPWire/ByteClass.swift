/// The byte classes of RFC 9110 and 9112, as tests on one byte.
enum ByteClass {
    /// Bit n of the two words stands for byte n: ALPHA, DIGIT and !#$%&'*+-.^_`|~.
    private static let tokenLow: UInt64 = 0x03FF_6CFA_0000_0000
    private static let tokenHigh: UInt64 = 0x57FF_FFFF_C7FF_FFFE

    /// Likewise: visible ASCII less #,/?@.
    private static let hostLow: UInt64 = 0x7FFF_6FF6_0000_0000
    private static let hostHigh: UInt64 = 0x7FFF_FFFF_FFFF_FFFE

    @inline(__always) static func isToken(_ byte: UInt8) -> Bool {
        if byte < 64 { return tokenLow >> UInt64(byte) & 1 != 0 }
        return byte < 128 && tokenHigh >> UInt64(byte - 64) & 1 != 0
    }

    /// What may stand in a request target: visible ASCII.
    @inline(__always) static func isTarget(_ byte: UInt8) -> Bool { byte > 0x20 && byte < 0x7F }

    /// What may stand in a field value: visible bytes, space, tab, and obs-text (0x80 and above).
    @inline(__always) static func isFieldContent(_ byte: UInt8) -> Bool {
        byte >= 0x20 && byte != 0x7F || byte == 0x09
    }

    /// What may stand in Host: what RFC 3986 lets stand in an authority without user info.
    @inline(__always) static func isHost(_ byte: UInt8) -> Bool {
        if byte < 64 { return hostLow >> UInt64(byte) & 1 != 0 }
        return byte < 128 && hostHigh >> UInt64(byte - 64) & 1 != 0
    }

    @inline(__always) static func isDigit(_ byte: UInt8) -> Bool { byte &- 0x30 < 10 }

    /// The value of a hexadecimal digit; nil for anything else.
    @inline(__always) static func hexValue(_ byte: UInt8) -> UInt8? {
        if isDigit(byte) { return byte &- 0x30 }
        let letter = byte | 0x20
        return letter >= 0x61 && letter <= 0x66 ? letter &- 0x61 &+ 10 : nil
    }

    @inline(__always) static func lowercased(_ byte: UInt8) -> UInt8 {
        byte &- 0x41 < 26 ? byte | 0x20 : byte
    }

    /// The same for each byte of a word.
    @inline(__always) static func lowercased<Word: FixedWidthInteger>(_ word: Word) -> Word {
        let ones = Word.max / 0xFF
        let low = word & (ones &* 0x7F)
        // The top bits of the sums say: from A on, and beyond Z. Where they differ, and the byte is ASCII, it is a capital.
        let capitals = (low &+ ones &* 0x3F) ^ (low &+ ones &* 0x25)
        return word | (capitals & ~word & (ones &* 0x80)) >> 2
    }
}

/// A piece of a buffer: where it starts and how many bytes it has.
package struct Piece: Hashable, Sendable {
    package var start: UInt16
    package var count: UInt16

    package init(start: Int, count: Int) {
        self.start = UInt16(truncatingIfNeeded: start)
        self.count = UInt16(truncatingIfNeeded: count)
    }

    init(_ range: Range<Int>) { self.init(start: range.lowerBound, count: range.count) }

    package static let none = Piece(start: 0, count: 0)
    package var range: Range<Int> { Int(start)..<Int(start) + Int(count) }
    package var isEmpty: Bool { count == 0 }
}

extension Span where Element == UInt8 {
    /// Whether the bytes of `range` are `text`, which must be lower-case ASCII, in any case.
    package func equals(_ range: Range<Int>, ignoringCase text: StaticString) -> Bool {
        matches(range, text, ignoringCase: true)
    }

    /// Whether the bytes of `range` begin with `text`, which must be lower-case ASCII, in any case.
    package func begins(_ range: Range<Int>, ignoringCase text: StaticString) -> Bool {
        let count = text.utf8CodeUnitCount
        return range.count >= count && equals(range.lowerBound..<range.lowerBound + count, ignoringCase: text)
    }

    /// Whether the bytes of `range` are exactly `text`.
    package func equals(_ range: Range<Int>, _ text: StaticString) -> Bool { matches(range, text, ignoringCase: false) }

    /// Compares words as large as the text has room for, the last one over again in part.
    @inline(__always) private func matches(_ range: Range<Int>, _ text: StaticString, ignoringCase: Bool) -> Bool {
        let size = text.utf8CodeUnitCount
        guard range.count == size else { return false }
        precondition(range.lowerBound >= 0 && range.upperBound <= count)
        let wanted = UnsafeRawBufferPointer(start: text.utf8Start, count: size)
        if size >= 8 { return matches(range.lowerBound, wanted, ignoringCase, by: UInt64.self) }
        if size >= 4 { return matches(range.lowerBound, wanted, ignoringCase, by: UInt32.self) }
        return matches(range.lowerBound, wanted, ignoringCase, by: UInt8.self)
    }

    /// For callers that have made sure of the bounds, and of a text that is no shorter than a word.
    @inline(__always) private func matches<Word: FixedWidthInteger & BitwiseCopyable>(
        _ start: Int, _ text: UnsafeRawBufferPointer, _ ignoringCase: Bool, by _: Word.Type
    ) -> Bool {
        var offset = 0
        while offset < text.count {
            let place = Swift.min(offset, text.count - MemoryLayout<Word>.size)
            let word = bytes.unsafeLoadUnaligned(fromUncheckedByteOffset: start + place, as: Word.self)
            let wanted = text.loadUnaligned(fromByteOffset: place, as: Word.self)
            if (ignoringCase ? ByteClass.lowercased(word) : word) != wanted { return false }
            offset += MemoryLayout<Word>.size
        }
        return true
    }

    /// Where the type stands in the value of a Content-Type field, without its parameters.
    func mediaType(_ value: Range<Int>) -> Range<Int> {
        var end = value.lowerBound
        while end < value.upperBound, self[end] != 0x3B, self[end] != 0x20, self[end] != 0x09 { end += 1 }
        return value.lowerBound..<end
    }
}
