/// Takes the event out of a stream that says what the answer used and nothing else: an object with an empty array under
/// `choices` and an object under `usage`, as the OpenAI API sends it before the end to whoever asked for it. Everything
/// else goes on byte for byte. Of an event that has not come to its end the bytes are held back, for nobody can act upon
/// half of one; one that gets longer than any such event goes on as it comes.
package struct UsageStripper: Sendable {
    /// Longest event, in bytes, that is held back and looked at.
    package static let limit = 8 << 10

    /// What a line feed belongs to that comes next.
    private enum Return: UInt8 { case none, line, passedEvent, strippedEvent }

    /// The bytes of the event under way that earlier pieces had.
    private var held: [UInt8] = []
    /// The event under way goes on as it comes.
    private var isPassing = false
    /// The line under way has nothing in it; it is the event's first.
    private var lineIsEmpty = true
    private var isFirstLine = true
    private var isComment = false
    private var afterReturn = Return.none

    package init() {}

    /// Bytes that are held back.
    package var heldCount: Int { held.count }

    /// Appends what becomes of `bytes[range]`, the next piece of the stream.
    package mutating func strip(_ bytes: Span<UInt8>, _ range: Range<Int>, into output: inout [UInt8]) {
        // What goes on, as far as it is known, and the event under way behind it.
        var (passed, event, index) = (range.lowerBound, range.lowerBound, range.lowerBound)
        guard !range.isEmpty else { return }
        if afterReturn != .none, bytes[index] == 0x0A {
            index += 1
            if afterReturn != .line { event = index }
            if afterReturn == .strippedEvent { passed = index }
        }
        afterReturn = .none
        while index < range.upperBound {
            let lineEnd = bytes.firstLineEnd(from: index, to: range.upperBound)
            if lineIsEmpty, lineEnd > index { isComment = bytes[index] == 0x3A }
            lineIsEmpty = lineIsEmpty && lineEnd == index
            guard lineEnd < range.upperBound else { break }
            index = endOfLineEnd(bytes, lineEnd, to: range.upperBound)
            if lineIsEmpty {
                if endEvent(bytes, event..<index, into: &output) {
                    output.append(bytes, passed..<event)
                    passed = index
                }
                event = index
            } else if isComment, isFirstLine {
                // It is no event's, and may keep the connection alive.
                output.append(contentsOf: held)
                held.removeAll(keepingCapacity: true)
                isPassing = false
                event = index
                if afterReturn == .line { afterReturn = .passedEvent }
            } else {
                isFirstLine = false
            }
            lineIsEmpty = true
        }
        output.append(bytes, passed..<event)
        keep(bytes, event..<range.upperBound, into: &output)
    }

    /// The stream ends here: appends what is still held back.
    package mutating func finish(into output: inout [UInt8]) {
        if !UsageChunk.isOne(held.span, 0..<held.count) { output.append(contentsOf: held) }
        held = []
        isPassing = true
    }

    /// Goes past the line end at `index`.
    private mutating func endOfLineEnd(_ bytes: Span<UInt8>, _ index: Int, to end: Int) -> Int {
        guard bytes[index] == 0x0D else { return index + 1 }
        guard index + 1 < end else {
            afterReturn = lineIsEmpty ? .passedEvent : .line
            return end
        }
        return bytes[index + 1] == 0x0A ? index + 2 : index + 1
    }

    /// The event ends with `bytes[part]`. True: it is to be left out, and so is that; else what was held goes on.
    private mutating func endEvent(_ bytes: Span<UInt8>, _ part: Range<Int>, into output: inout [UInt8]) -> Bool {
        isFirstLine = true
        guard !isPassing else {
            isPassing = false
            return false
        }
        guard !held.isEmpty else {
            let isStripped = part.count <= Self.limit && UsageChunk.isOne(bytes, part)
            if isStripped, afterReturn != .none { afterReturn = .strippedEvent }
            return isStripped
        }
        held.append(bytes, part)
        let isStripped = held.count <= Self.limit && UsageChunk.isOne(held.span, 0..<held.count)
        if isStripped, afterReturn != .none { afterReturn = .strippedEvent }
        if !isStripped { output.append(held.span, 0..<held.count - part.count) }
        held.removeAll(keepingCapacity: true)
        return isStripped
    }

    /// The rest of a piece, which ends within the event.
    private mutating func keep(_ bytes: Span<UInt8>, _ part: Range<Int>, into output: inout [UInt8]) {
        guard !part.isEmpty else { return }
        if !isPassing, held.count + part.count <= Self.limit { return held.append(bytes, part) }
        isPassing = true
        output.append(contentsOf: held)
        held.removeAll(keepingCapacity: true)
        output.append(bytes, part)
    }
}
