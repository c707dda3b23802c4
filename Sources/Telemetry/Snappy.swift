/// Compression in the block format of Snappy, as remote write wants it: the length, then literals and copies of what was
/// written before, at most 64 KiB back. As the reference does, the input is gone through in blocks of 64 KiB with a table of
/// where each four bytes were seen last, faster and faster where nothing is found.
package struct Snappy: Sendable {
    private static let block = 1 << 16
    private static let tableBits: UInt32 = 14
    /// Of what is at the end of a block nothing is looked up.
    private static let margin = 15
    private static let longestCopy = 64

    private var output: [UInt8] = []
    private var table = [Int32](repeating: -1, count: 1 << Int(tableBits))

    private init() {}

    package static func compress(_ input: [UInt8]) -> [UInt8] {
        var encoder = Snappy()
        encoder.appendLength(input.count)
        var start = 0
        while start < input.count {
            let end = min(start + block, input.count)
            encoder.compress(input, start..<end)
            start = end
        }
        return encoder.output
    }

    private mutating func appendLength(_ count: Int) {
        var rest = count
        while rest >= 0x80 {
            output.append(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        output.append(UInt8(rest))
    }

    private mutating func compress(_ input: [UInt8], _ range: Range<Int>) {
        for index in table.indices { table[index] = -1 }
        var literal = range.lowerBound
        var position = range.lowerBound
        // Grows with each failure: every 32 of them one more byte is skipped.
        var failures = 32
        while position + Self.margin < range.upperBound {
            let word = Self.word(input, position)
            let slot = Int((word &* 0x1E35_A7BD) >> (32 - Self.tableBits))
            let candidate = Int(table[slot])
            table[slot] = Int32(position - range.lowerBound)
            let match = range.lowerBound + candidate
            guard candidate >= 0, Self.word(input, match) == word else {
                position += failures >> 5
                failures += 1
                continue
            }
            appendLiteral(input, literal..<position)
            var length = 4
            while position + length < range.upperBound, input[match + length] == input[position + length] { length += 1 }
            appendCopy(offset: position - match, length)
            position += length
            literal = position
            failures = 32
        }
        appendLiteral(input, literal..<range.upperBound)
    }

    private static func word(_ input: [UInt8], _ position: Int) -> UInt32 {
        UInt32(input[position]) | UInt32(input[position + 1]) << 8 | UInt32(input[position + 2]) << 16
            | UInt32(input[position + 3]) << 24
    }

    private mutating func appendLiteral(_ input: [UInt8], _ range: Range<Int>) {
        guard !range.isEmpty else { return }
        let last = range.count - 1
        if last < 60 {
            output.append(UInt8(last) << 2)
        } else if last < 1 << 8 {
            output.append(60 << 2)
            output.append(UInt8(last))
        } else {
            output.append(61 << 2)
            output.append(UInt8(truncatingIfNeeded: last))
            output.append(UInt8(last >> 8))
        }
        output.append(contentsOf: input[range])
    }

    /// Copies with an offset of two bytes have any length up to 64.
    private mutating func appendCopy(offset: Int, _ length: Int) {
        var rest = length
        while rest > 0 {
            let piece = min(rest, Self.longestCopy)
            output.append(UInt8(piece - 1) << 2 | 2)
            output.append(UInt8(truncatingIfNeeded: offset))
            output.append(UInt8(offset >> 8))
            rest -= piece
        }
    }
}
