/// Events that need no closer look, as nearly all of a stream's do not: `data: {…}` on one line, an empty one behind it,
/// nothing said of tokens. Engines send each in a chunk of its own, or several in one.
package struct PlainEvents: Hashable, Sendable {
    /// Where the last chunk of them ends; where the first was looked for, if there are none.
    package private(set) var end: Int
    package private(set) var count = 0
    /// Bytes, without the chunks' framing.
    package private(set) var size = 0

    /// Goes past chunks that are here as a whole and have nothing but such events in them.
    ///
    /// - Parameter start: the beginning of a chunk, and of an event.
    package init(chunkedIn bytes: Span<UInt8>, from start: Int) {
        end = start
        while let chunk = bytes.wholeChunk(at: end), let events = bytes.plainEvents(chunk) {
            end = chunk.upperBound + 2
            count += events
            size += chunk.count
        }
    }
}

extension Span where Element == UInt8 {
    /// Where the data of the chunk is that begins at `start`; nil: it is the last one, is not here as a whole, or has anything
    /// unusual about it.
    fileprivate func wholeChunk(at start: Int) -> Range<Int>? {
        var (index, size) = (start, 0)
        while index < count, index - start < 6, let digit = ByteClass.hexValue(self[index]) {
            size = size << 4 | Int(digit)
            index += 1
        }
        guard size > 0, count - index >= size + 4, self[index] == 0x0D, self[index + 1] == 0x0A else { return nil }
        let data = index + 2..<index + 2 + size
        return self[data.upperBound] == 0x0D && self[data.upperBound + 1] == 0x0A ? data : nil
    }

    /// How many events the data is; nil: something else is in it.
    fileprivate func plainEvents(_ data: Range<Int>) -> Int? {
        var (index, events) = (data.lowerBound, 0)
        while index < data.upperBound {
            guard data.upperBound - index > 8, equals(index..<index + 7, "data: {") else { return nil }
            let lineEnd = plainLineEnd(from: index + 7, to: data.upperBound)
            guard lineEnd + 1 < data.upperBound, self[lineEnd] == 0x0A, self[lineEnd + 1] == 0x0A else { return nil }
            index = lineEnd + 2
            events += 1
        }
        return events
    }

    /// Index of the first CR or LF from `start` on; `end` if there is none, or if `"us` comes before it, of which
    /// `"usage":null` is nothing, which some engines put into every event.
    private func plainLineEnd(from start: Int, to end: Int) -> Int {
        let (feed, carriageReturn) = (SIMD16<Int8>(repeating: 0x0A), SIMD16<Int8>(repeating: 0x0D))
        let (quote, u) = (SIMD16<Int8>(repeating: 0x22), SIMD16<Int8>(repeating: 0x75))
        var index = start
        while index < end {
            if index <= end - 17 {
                let block = block(at: index)
                let usage = (block .== quote) .& (self.block(at: index + 1) .== u)
                let found = ((block .== feed) .| (block .== carriageReturn) .| usage).firstSet
                index += found
                if found == 16 { continue }
            }
            switch self[index] {
            case 0x0A, 0x0D: return index
            case 0x22 where index + 2 < end && self[index + 1] == 0x75 && self[index + 2] == 0x73:
                guard end - index > 12, equals(index..<index + 12, "\"usage\":null") else { return end }
                index += 12
            default: index += 1
            }
        }
        return end
    }
}
