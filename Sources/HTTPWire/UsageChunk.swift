/// Tells whether an event of a stream says what the answer used, and nothing else.
enum UsageChunk {
    /// Whether the event in `bytes[event]`, lines and their ends, is one.
    static func isOne(_ bytes: Span<UInt8>, _ event: Range<Int>) -> Bool {
        guard bytes.mayCountTokens(event) else { return false }
        var members = ChunkMembers()
        var line = event.lowerBound
        while line < event.upperBound {
            let end = bytes.firstLineEnd(from: line, to: event.upperBound)
            if end - line >= 5, bytes.equals(line..<line + 5, "data:") {
                for index in line + 5..<end { members.take(bytes[index]) }
                members.take(0x0A)
            }
            line = end + 1
        }
        return members.areOfUsage
    }
}

extension Span where Element == UInt8 {
    /// Whether the line or event may say how many tokens were used. `"usage":null`, which some engines put into every event,
    /// does not. For callers that have made sure of the bounds.
    func mayCountTokens(_ line: Range<Int>) -> Bool {
        var index = firstCountKey(from: line.lowerBound, to: line.upperBound)
        while index < line.upperBound {
            guard line.upperBound - index > 12, equals(index..<index + 12, "\"usage\":null") else { return true }
            index = firstCountKey(from: index + 12, to: line.upperBound)
        }
        return false
    }
}

/// Looks at the members of an object for an empty array under `choices` and an object under `usage`; it has no opinion on
/// whether the text is valid.
private struct ChunkMembers {
    private enum Value: UInt8 { case other, choices, usage }

    private var depth = 0
    private var isString = false
    private var isEscape = false
    private var isKey = true
    private var key = TopKeyMatch()
    private var follows = Value.other
    /// The array under `choices` was opened, and nothing has come in it.
    private var isInChoices = false
    private var hasNoChoices = false
    private var hasUsage = false
    private var isOver = false

    /// The text has ended, and was such an object.
    var areOfUsage: Bool { isOver && depth == 0 && hasNoChoices && hasUsage }

    mutating func take(_ byte: UInt8) {
        if isString { return takeString(byte) }
        switch byte {
        case 0x20, 0x09, 0x0A, 0x0D: return
        case 0x5D where isInChoices: hasNoChoices = true
        default: break
        }
        isInChoices = false
        switch byte {
        case 0x22:
            isString = true
            key.clear()
        case 0x3A where depth == 1:
            isKey = false
            follows = key.equals("choices") ? .choices : key.equals("usage") ? .usage : .other
            // The last one counts.
            if follows == .choices { hasNoChoices = false }
            if follows == .usage { hasUsage = false }
        case 0x2C where depth == 1:
            isKey = true
            follows = .other
        case 0x7B, 0x5B: open(byte)
        case 0x7D, 0x5D:
            depth -= 1
            if depth == 0 { isOver = true }
        default: break
        }
    }

    private mutating func open(_ byte: UInt8) {
        if depth == 1, follows == .choices, byte == 0x5B { isInChoices = true }
        if depth == 1, follows == .usage, byte == 0x7B { hasUsage = true }
        depth += 1
        if depth == 1 {
            isKey = true
            follows = .other
        }
    }

    private mutating func takeString(_ byte: UInt8) {
        if isEscape {
            isEscape = false
            key.fail()
        } else if byte == 0x5C {
            isEscape = true
        } else if byte == 0x22 {
            isString = false
        } else if depth == 1, isKey {
            key.take(byte)
        }
    }
}
