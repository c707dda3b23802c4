/// A hash of text that comes in pieces; how it is cut does not matter. It is the same in every process, so it must not
/// decide anything that a caller may not decide.
package struct TextHash: Sendable {
    private static let factor: UInt64 = 0x9E37_79B9_7F4A_7C15

    private var state: UInt64 = 0xCBF2_9CE4_8422_2325
    /// The bytes behind the last whole word.
    private var rest: UInt64 = 0
    private var count: UInt64 = 0

    package init() {}

    /// Never 0, which stands for no text at all.
    package var value: UInt64 {
        var mixed = (state ^ rest) &* Self.factor ^ count
        mixed = (mixed ^ mixed >> 30) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ mixed >> 27) &* 0x94D0_49BB_1331_11EB
        mixed ^= mixed >> 31
        return mixed == 0 ? 1 : mixed
    }

    package var isEmpty: Bool { count == 0 }

    package mutating func append(_ byte: UInt8) {
        rest |= UInt64(byte) << ((count & 7) * 8)
        count &+= 1
        if count & 7 == 0 {
            mix(rest)
            rest = 0
        }
    }

    package mutating func append(_ bytes: Span<UInt8>, _ range: Range<Int>) {
        precondition(range.lowerBound >= 0 && range.upperBound <= bytes.count)
        var index = range.lowerBound
        while index < range.upperBound, count & 7 != 0 {
            append(bytes[index])
            index += 1
        }
        while index <= range.upperBound - 8 {
            mix(UInt64(littleEndian: bytes.bytes.unsafeLoadUnaligned(fromUncheckedByteOffset: index, as: UInt64.self)))
            count &+= 8
            index += 8
        }
        while index < range.upperBound {
            append(bytes[index])
            index += 1
        }
    }

    private mutating func mix(_ word: UInt64) {
        state = (state ^ word) &* Self.factor
        state ^= state >> 32
    }
}
