/// Cuts the bytes of a stream into messages: each stands behind its length, 32 bits little-endian.
///
/// It holds what was fed and not taken, so take all messages after each feeding; then it never holds more than one
/// unfinished message and one feeding.
package struct FrameAssembler: Sendable {
    private let limit: Int
    private var buffer: [UInt8] = []
    /// Where the next frame starts in `buffer`.
    private var start = 0

    /// `limit`: bytes of the largest message accepted.
    package init(limit: Int = Wire.frameLimit) {
        self.limit = limit
    }

    /// Bytes fed and not taken yet; more than none at the end of a stream means that a message was cut off.
    package var pendingBytes: Int { buffer.count - start }

    package mutating func feed(_ bytes: some Sequence<UInt8>) {
        if start > 0, start >= buffer.count / 2 {
            buffer.removeSubrange(..<start)
            start = 0
        }
        buffer.append(contentsOf: bytes)
    }

    /// The next whole message; nil: more bytes are needed. A length over the limit is refused as soon as it is there,
    /// and again at every further call: the stream cannot be used any more.
    package mutating func next() throws(WireError) -> [UInt8]? {
        guard pendingBytes >= 4 else { return nil }
        let length = (0..<4).reduce(0) { $0 | Int(buffer[start + $1]) << (8 * $1) }
        guard length <= limit else { throw .frameTooLarge(length) }
        let body = start + 4
        guard pendingBytes - 4 >= length else {
            // Growing step by step would leave copies behind.
            buffer.reserveCapacity(body + length)
            return nil
        }
        defer {
            start = body + length
            // What has been taken may be secret, and the buffer stays.
            for index in body - 4..<start { buffer[index] = 0 }
            if start == buffer.count {
                // A large message should not hold its memory for ever.
                buffer.removeAll(keepingCapacity: buffer.capacity <= 1 << 20)
                start = 0
            }
        }
        return Array(buffer[body..<body + length])
    }

    /// The message with its length before it, as it goes on the wire.
    package static func framed(_ payload: [UInt8]) throws(WireError) -> [UInt8] {
        guard payload.count <= Wire.frameLimit, let length = UInt32(exactly: payload.count) else {
            throw .frameTooLarge(payload.count)
        }
        var writer = WireWriter()
        writer.write(length)
        return writer.bytes + payload
    }
}
