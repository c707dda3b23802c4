internal import HTTPWire

/// Takes an answer apart as it arrives: its head, then the pieces of its body, whatever its length. Strict, as the proxy is: a
/// server whose answers the proxy could not read is not well.
struct AnswerScanner: Sendable {
    private var bytes: [UInt8] = []
    private var heads = HeadScanner()
    private var framing = Framing.close
    private var chunks = ChunkScanner()
    /// Of an announced length.
    private var left: UInt64 = 0
    private let wantsBody: Bool
    /// nil: the head is not there yet. The body is left to whoever takes the pieces.
    private(set) var reply: Reply?

    /// - Parameter wantsBody: false: it is done behind the head.
    init(wantsBody: Bool = true) { self.wantsBody = wantsBody }

    /// - Parameters:
    ///   - head: told once of the head, and of the length that it announces, if any; not nil: that is what comes of it.
    ///   - take: told of each piece of the body; not nil: that is what comes of it, and nothing more is wanted.
    mutating func feed(
        _ new: some Sequence<UInt8>, head: (Reply, UInt64?) -> ReplyReader.Step?,
        take: (ArraySlice<UInt8>) -> ReplyReader.Step?
    ) -> ReplyReader.Step {
        bytes.append(contentsOf: new)
        do {
            while reply == nil {
                guard let end = try scan() else { return .more }
                if let step = try self.head(end, head) { return step }
            }
            return try body(take)
        } catch {
            return .failed("not an HTTP answer: \(error.message)")
        }
    }

    /// The connection was closed.
    func end() -> ReplyReader.Step {
        guard let reply else { return .failed(bytes.isEmpty ? "closed without an answer" : "closed in the middle of an answer") }
        return framing == .close ? .done(reply) : .failed("closed in the middle of an answer")
    }

    private mutating func head(
        _ end: Int, _ tell: (Reply, UInt64?) -> ReplyReader.Step?
    ) throws(HeadFault) -> ReplyReader.Step? {
        let head = try ResponseHead(parsing: bytes.span, size: end)
        let retryAfter = head.status >= 400 ? head.retryAfter(in: bytes.span) : nil
        bytes.removeFirst(end)
        heads = HeadScanner()
        // 100 and 103 are only announcements.
        guard head.status >= 200 else { return nil }
        let reply = Reply(status: head.status, retryAfter: retryAfter)
        self.reply = reply
        guard wantsBody else { return .done(reply) }
        guard !head.isEncoded else { return .failed("the answer is compressed") }
        framing = head.bodyFraming(forHead: false)
        guard case .length(let length) = framing else { return tell(reply, nil) }
        left = length
        return tell(reply, length)
    }

    private mutating func body(_ take: (ArraySlice<UInt8>) -> ReplyReader.Step?) throws(HeadFault) -> ReplyReader.Step {
        guard let reply else { return .more }
        defer { bytes.removeAll(keepingCapacity: bytes.capacity <= 64 << 10) }
        switch framing {
        case .none: return .done(reply)
        case .close: return bytes.isEmpty ? .more : take(bytes[...]) ?? .more
        case .length:
            let piece = bytes.prefix(Int(clamping: left))
            left -= UInt64(piece.count)
            if !piece.isEmpty, let step = take(piece) { return step }
            return left == 0 ? .done(reply) : .more
        case .chunked: return try dechunk(take) ?? .done(reply)
        }
    }

    /// nil: that was the last chunk.
    private mutating func dechunk(_ take: (ArraySlice<UInt8>) -> ReplyReader.Step?) throws(HeadFault) -> ReplyReader.Step? {
        var position = 0
        while position < bytes.count {
            switch try step(position) {
            case .framing(let count): position += count
            case .data(let count):
                if let step = take(bytes[position..<position + count]) { return step }
                position += count
            case .end: return nil
            }
        }
        return .more
    }

    // With locals, since a span of one property keeps the others from being changed.

    private mutating func scan() throws(HeadFault) -> Int? {
        var heads = heads
        defer { self.heads = heads }
        return try heads.end(in: bytes.span)
    }

    private mutating func step(_ position: Int) throws(HeadFault) -> ChunkScanner.Step {
        var chunks = chunks
        defer { self.chunks = chunks }
        return try chunks.step(bytes.span, from: position)
    }
}
