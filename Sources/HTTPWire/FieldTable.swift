/// One field line: where its name and value stand in the head.
package struct FieldLine: Sendable {
    package var name: Piece
    package var value: Piece

    static let none = FieldLine(name: .none, value: .none)

    /// The whole line, its CRLF included, given the bytes it stands in.
    package func line(in bytes: Span<UInt8>) -> Range<Int> {
        var end = value.range.upperBound
        while bytes[end] != 0x0A { end += 1 }
        return Int(name.start)..<end + 1
    }
}

/// The field lines of one head, in order, without a heap allocation.
package struct FieldTable: Sendable {
    package static let limit = 100

    private var lines = InlineArray<100, FieldLine>(repeating: .none)
    package private(set) var count = 0

    package subscript(index: Int) -> FieldLine { lines[index] }

    /// Parses every line from `start` to the empty line that ends the head at `end`.
    init(parsing bytes: Span<UInt8>, from start: Int, to end: Int) throws(HeadFault) {
        var position = start
        while position < end - 2 {
            guard count < Self.limit else { throw .tooManyFields }
            position = try append(bytes, at: position)
        }
    }

    /// Parses the line at `position`; returns where the next one starts.
    private mutating func append(_ bytes: Span<UInt8>, at position: Int) throws(HeadFault) -> Int {
        var index = position
        if bytes[index] == 0x20 || bytes[index] == 0x09 { throw .foldedField }
        while ByteClass.isToken(bytes[index]) { index += 1 }
        guard index > position, bytes[index] == 0x3A else { throw .fieldName }
        let name = Piece(start: position, count: index - position)
        index += 1
        while bytes[index] == 0x20 || bytes[index] == 0x09 { index += 1 }
        let valueStart = index
        while ByteClass.isFieldContent(bytes[index]) { index += 1 }
        guard bytes[index] == 0x0D else { throw .fieldValue }
        guard bytes[index + 1] == 0x0A else { throw .bareCarriageReturn }
        var valueEnd = index
        while valueEnd > valueStart, bytes[valueEnd - 1] == 0x20 || bytes[valueEnd - 1] == 0x09 { valueEnd -= 1 }
        lines[count] = FieldLine(name: name, value: Piece(start: valueStart, count: valueEnd - valueStart))
        count += 1
        return index + 2
    }
}
