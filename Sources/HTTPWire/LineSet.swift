/// The lines of a head that are left out when it is forwarded: ordered ranges, neighbours merged.
package struct LineSet: Sendable {
    private var lines = InlineArray<16, Piece>(repeating: .none)
    package private(set) var count = 0

    package init() {}

    package subscript(index: Int) -> Range<Int> { lines[index].range }

    /// Adds a line; one that is there already changes nothing.
    /// - Throws: `.tooManyFields` when more than sixteen separate ranges would be left out.
    mutating func insert(_ line: Range<Int>) throws(HeadFault) {
        var position = count
        while position > 0, Int(lines[position - 1].start) > line.lowerBound { position -= 1 }
        if position > 0, lines[position - 1].range.contains(line.lowerBound) { return }
        if position > 0, lines[position - 1].range.upperBound == line.lowerBound {
            lines[position - 1] = Piece(
                start: Int(lines[position - 1].start), count: line.upperBound - Int(lines[position - 1].start))
            return
        }
        guard count < 16 else { throw .tooManyFields }
        var index = count
        while index > position {
            lines[index] = lines[index - 1]
            index -= 1
        }
        lines[position] = Piece(start: line.lowerBound, count: line.count)
        count += 1
    }

    /// Adds the Content-Length and Transfer-Encoding lines of a head of `size` bytes whose fields begin at `start`.
    mutating func insertFraming(from start: Int, size: Int, in bytes: Span<UInt8>) throws(HeadFault) {
        var fields = FieldLines(from: start, size: size)
        while let field = try fields.next(in: bytes) {
            let name = field.name
            let isFraming =
                bytes.equals(name, ignoringCase: "content-length") || bytes.equals(name, ignoringCase: "transfer-encoding")
            if isFraming { try insert(field.line) }
        }
    }
}
