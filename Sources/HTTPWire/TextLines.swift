/// Tells which bytes of a stream belong to a JSON text: all of them, or those behind `data:` in server-sent events.
struct TextLines: Sendable {
    let form: BodyForm
    /// The next byte belongs to a text, or is the line end behind it.
    private(set) var isInText: Bool
    /// The last byte was a CR: an LF now is the second half of that line end.
    private var isReturn = false
    /// The line is neither empty nor one of data.
    private var isOther = false
    /// Bytes of `data:` that the line has begun with.
    private var matched = 0

    init(_ form: BodyForm) {
        self.form = form
        isInText = form != .eventStream
    }

    /// Goes on to the next text, past lines that hold none. True: an empty line was passed, which ends an event; there may
    /// be more to pass.
    mutating func advance(_ bytes: Span<UInt8>, _ index: inout Int, to end: Int) -> Bool {
        while index < end {
            if isOther {
                index = bytes.firstLineEnd(from: index, to: end)
                guard index < end else { return false }
            }
            let byte = bytes[index]
            index += 1
            if byte == 0x0A || byte == 0x0D {
                if takeLineEnd(byte) { return true }
            } else if takeName(byte) {
                return false
            }
        }
        return false
    }

    /// The line of the text ends with `byte`.
    mutating func endText(_ byte: UInt8) {
        guard form == .eventStream else { return }
        isInText = false
        isReturn = byte == 0x0D
    }

    /// Whether the line was empty.
    private mutating func takeLineEnd(_ byte: UInt8) -> Bool {
        defer { isReturn = byte == 0x0D }
        if isReturn, byte == 0x0A { return false }
        let isEmpty = matched == 0 && !isOther
        matched = 0
        isOther = false
        return isEmpty
    }

    /// Whether the name of a data line is whole now.
    private mutating func takeName(_ byte: UInt8) -> Bool {
        isReturn = false
        switch (matched, byte) {
        case (0, 0x64), (1, 0x61), (2, 0x74), (3, 0x61): matched += 1
        case (4, 0x3A):
            matched = 0
            isInText = true
        default: isOther = true
        }
        return isInText
    }
}
