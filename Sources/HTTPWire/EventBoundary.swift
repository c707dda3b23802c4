/// Knows whether a stream of server-sent events stands between two events: after an empty line (CR, LF or CRLF).
package struct EventBoundary: Sendable {
    private var last: UInt8 = 0
    private var lineIsEmpty = true
    package private(set) var isBetweenEvents = true

    package init() {}

    /// A line feed ended the last event, or nothing has come: no half of a line end is missing.
    package var isClean: Bool { isBetweenEvents && last != 0x0D }

    /// Takes note of the next bytes of the stream; only their end matters, so only the last four are looked at.
    package mutating func advance(_ bytes: Span<UInt8>, _ range: Range<Int>) {
        if range.count > 4 {
            lineIsEmpty = false
            last = 0
        }
        var index = Swift.max(range.lowerBound, range.upperBound - 4)
        while index < range.upperBound {
            take(bytes[index])
            index += 1
        }
    }

    private mutating func take(_ byte: UInt8) {
        defer { last = byte }
        switch byte {
        case 0x0A where last == 0x0D: break  // the second half of a line end that was counted
        case 0x0A, 0x0D:
            isBetweenEvents = lineIsEmpty
            lineIsEmpty = true
        default:
            isBetweenEvents = false
            lineIsEmpty = false
        }
    }
}
