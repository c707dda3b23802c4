/// Writes the chunked transfer coding (RFC 9112 section 7.1).
package enum ChunkWriter {
    private static let placeholder: StaticString = "00000000\r\n"

    /// Appends the line that `count` bytes of data follow, and `appendEnd` after them; 0 would end the message.
    package static func appendSize(_ count: Int, to output: inout [UInt8]) {
        precondition(count > 0)
        var shift = (UInt64(count).bitWidth - UInt64(count).leadingZeroBitCount - 1) & ~3
        while shift >= 0 {
            output.append(digit(count >> shift))
            shift -= 4
        }
        appendEnd(to: &output)
    }

    /// Ends a line, or a chunk.
    package static func appendEnd(to output: inout [UInt8]) {
        output.append(0x0D)
        output.append(0x0A)
    }

    /// Appends the last chunk's line; trailers follow, and `appendEnd` after them.
    package static func appendLast(to output: inout [UInt8]) {
        output.append(0x30)
        appendEnd(to: &output)
    }

    /// Begins a chunk whose data is appended to the output now; what it returns is for `end`.
    package static func begin(in output: inout [UInt8]) -> Int {
        placeholder.withUTF8Buffer { output.append(contentsOf: $0) }
        return output.count
    }

    /// Ends the chunk that `begin` began, of less than 4 GiB; one without data leaves nothing behind.
    package static func end(_ start: Int, in output: inout [UInt8]) {
        let count = output.count - start
        let line = start - placeholder.utf8CodeUnitCount
        guard count > 0 else { return output.removeLast(output.count - line) }
        precondition(count < 1 << 32)
        for index in 0..<8 { output[line + index] = digit(count >> (28 - 4 * index)) }
        appendEnd(to: &output)
    }

    private static func digit(_ value: Int) -> UInt8 {
        let low = UInt8(truncatingIfNeeded: value & 0xF)
        return low < 10 ? 0x30 + low : 0x57 + low
    }
}
