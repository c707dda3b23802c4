/// Follows the chunked transfer coding (RFC 9112 section 7.1) through bytes that arrive piece by piece, so that they
/// can be forwarded unchanged while the end of the message, and the data in it, are known.
package struct ChunkScanner: Sendable {
    package enum Step: Hashable, Sendable {
        /// Body data: this many bytes from the position on.
        case data(count: Int)
        /// Framing bytes were passed; go on from the new position.
        case framing(count: Int)
        /// The message ended after this many more bytes.
        case end(count: Int)
    }

    private enum State: UInt8 {
        case size, sizeMore, padding, extensions, sizeFeed, data, dataReturn, dataFeed
        case trailerStart, trailerName, trailerValue, trailerFeed, lastFeed, done
    }

    /// Bytes of chunk extensions on one line and of all trailers together.
    private static let lineLimit = 1024
    private static let trailerLimit = 16 << 10

    private var state = State.size
    private var remaining: UInt64 = 0
    private var digits = 0
    private var passed = 0

    package init() {}

    /// Bytes of data that the present chunk announced, its size being known, and that have not come yet.
    package var announced: UInt64 { state == .data || state == .sizeFeed ? remaining : 0 }

    /// All the data of a chunk has been passed, but not the line end behind it.
    var isBehindData: Bool { state == .dataReturn }

    /// The line of the last chunk has been passed: only trailers come now, and the empty line.
    package var isPastChunks: Bool {
        switch state {
        case .trailerStart, .trailerName, .trailerValue, .trailerFeed, .lastFeed, .done: true
        default: false
        }
    }

    /// Bytes passed behind the last chunk's line: trailers, and the empty line.
    package var trailerSize: Int { isPastChunks ? state == .done ? passed + 1 : passed : 0 }

    /// No chunk is half-way: another one could be put in here.
    package var isAtBoundary: Bool { state == .size }

    /// Takes the next step from `position`, which must be below `bytes.count`.
    package mutating func step(_ bytes: Span<UInt8>, from position: Int) throws(HeadFault) -> Step {
        if state == .data {
            let count = Int(min(remaining, UInt64(bytes.count - position)))
            remaining -= UInt64(count)
            if remaining == 0 { state = .dataReturn }
            return .data(count: count)
        }
        var index = position
        while index < bytes.count {
            try take(bytes[index])
            index += 1
            if state == .done { return .end(count: index - position) }
            if state == .data { break }
        }
        return .framing(count: index - position)
    }

    @inline(__always) private mutating func take(_ byte: UInt8) throws(HeadFault) {
        switch state {
        case .size:
            remaining = 0
            digits = 0
            passed = 0
            try addDigit(byte)
            state = .sizeMore
        case .sizeMore:
            if ByteClass.hexValue(byte) != nil { try addDigit(byte) } else { try endOfSize(byte) }
        case .padding, .extensions: try takeExtension(byte)
        case .sizeFeed:
            try expect(byte, 0x0A)
            state = remaining == 0 ? .trailerStart : .data
            if state == .trailerStart { passed = 0 }
        case .dataReturn:
            try expect(byte, 0x0D)
            state = .dataFeed
        case .dataFeed:
            try expect(byte, 0x0A)
            state = .size
        case .trailerStart, .trailerName, .trailerValue, .trailerFeed: try takeTrailer(byte)
        case .lastFeed:
            try expect(byte, 0x0A)
            state = .done
        case .data, .done: throw .chunk
        }
    }

    private mutating func addDigit(_ byte: UInt8) throws(HeadFault) {
        guard let value = ByteClass.hexValue(byte), digits < 15 else { throw .chunk }
        remaining = remaining << 4 | UInt64(value)
        digits += 1
    }

    private mutating func endOfSize(_ byte: UInt8) throws(HeadFault) {
        switch byte {
        case 0x0D: state = .sizeFeed
        case 0x3B: state = .extensions
        default: throw .chunk
        }
    }

    private mutating func takeExtension(_ byte: UInt8) throws(HeadFault) {
        passed += 1
        guard passed <= Self.lineLimit else { throw .chunk }
        if byte == 0x0D {
            state = .sizeFeed
        } else if !ByteClass.isFieldContent(byte) {
            throw .chunk
        }
    }

    private mutating func takeTrailer(_ byte: UInt8) throws(HeadFault) {
        passed += 1
        guard passed <= Self.trailerLimit else { throw .tooLarge }
        switch state {
        case .trailerStart where byte == 0x0D: state = .lastFeed
        case .trailerStart:
            guard ByteClass.isToken(byte) else { throw .fieldName }
            state = .trailerName
        case .trailerName where byte == 0x3A: state = .trailerValue
        case .trailerName:
            guard ByteClass.isToken(byte) else { throw .fieldName }
        case .trailerValue where byte == 0x0D: state = .trailerFeed
        case .trailerValue:
            guard ByteClass.isFieldContent(byte) else { throw .fieldValue }
        default:
            try expect(byte, 0x0A)
            state = .trailerStart
        }
    }

    private func expect(_ byte: UInt8, _ wanted: UInt8) throws(HeadFault) {
        guard byte == wanted else { throw .chunk }
    }
}
