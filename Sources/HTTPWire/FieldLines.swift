/// One field line: where its name and value stand in the head, and the whole line with its CRLF.
struct FieldLine {
    var name: Range<Int>
    var value: Range<Int>
    var line: Range<Int>
}

/// Goes through the field lines of a head, in order, keeping none of them.
struct FieldLines {
    static let limit = 100

    private var position: Int
    /// Where the empty line stands.
    private let end: Int
    private var count = 0

    /// The lines from `start` to the empty line that ends the head of `size` bytes.
    init(from start: Int, size: Int) {
        position = start
        end = size - 2
    }

    /// The next line; nil after the last.
    mutating func next(in bytes: Span<UInt8>) throws(HeadFault) -> FieldLine? {
        guard position < end else { return nil }
        guard count < Self.limit else { throw .tooManyFields }
        count += 1
        let start = position
        if bytes[start] == 0x20 || bytes[start] == 0x09 { throw .foldedField }
        let nameEnd = bytes.endOfToken(from: start)
        guard nameEnd > start, bytes[nameEnd] == 0x3A else { throw .fieldName }
        var valueStart = nameEnd + 1
        while bytes[valueStart] == 0x20 || bytes[valueStart] == 0x09 { valueStart += 1 }
        let lineEnd = bytes.endOfFieldContent(from: valueStart)
        guard bytes[lineEnd] == 0x0D else { throw .fieldValue }
        guard bytes[lineEnd + 1] == 0x0A else { throw .bareCarriageReturn }
        var valueEnd = lineEnd
        while valueEnd > valueStart, bytes[valueEnd - 1] == 0x20 || bytes[valueEnd - 1] == 0x09 { valueEnd -= 1 }
        position = lineEnd + 2
        return FieldLine(name: start..<nameEnd, value: valueStart..<valueEnd, line: start..<position)
    }
}
