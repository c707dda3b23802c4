internal import HTTPWire

/// What a server answered.
struct Reply: Hashable, Sendable {
    var status: Int
    /// Empty if only the head was asked for.
    var body: [UInt8] = []
    /// Nanoseconds for which the server wants to be left alone; nil: it does not say, or did well.
    var retryAfter: UInt64?
}

/// Reads one answer from bytes as they arrive.
protocol AnswerReader {
    mutating func feed(_ new: ArraySlice<UInt8>) -> ReplyReader.Step

    /// The connection was closed.
    mutating func end() -> ReplyReader.Step
}

/// Reads one answer from bytes as they arrive, no further than needed. Strict, as the proxy is: a server whose answers the
/// proxy could not read is not well.
struct ReplyReader: AnswerReader, Sendable {
    enum Step: Hashable, Sendable {
        case more
        case done(Reply)
        case failed(String)
    }

    /// nil: the head is enough.
    private let bodyLimit: Int?
    private var bytes: [UInt8] = []
    private var scanner = HeadScanner()
    private var reply: Reply?
    private var framing = Framing.close
    private var chunks = ChunkScanner()

    init(bodyLimit: Int?) { self.bodyLimit = bodyLimit }

    mutating func feed(_ new: some Sequence<UInt8>) -> Step {
        bytes.append(contentsOf: new)
        do {
            while reply == nil {
                guard let end = try scan() else { return .more }
                let head = try ResponseHead(parsing: bytes.span, size: end)
                let retryAfter = head.status >= 400 ? head.retryAfter(in: bytes.span) : nil
                bytes.removeFirst(end)
                scanner = HeadScanner()
                // 100 and 103 are only announcements.
                guard head.status >= 200 else { continue }
                guard bodyLimit != nil else { return .done(Reply(status: head.status, retryAfter: retryAfter)) }
                guard !head.isEncoded else { return .failed("the answer is compressed") }
                reply = Reply(status: head.status, retryAfter: retryAfter)
                framing = head.bodyFraming(forHead: false)
            }
            return try body()
        } catch {
            return .failed("not an HTTP answer: \(error.message)")
        }
    }

    /// The connection was closed.
    mutating func end() -> Step {
        guard var reply else { return .failed(bytes.isEmpty ? "closed without an answer" : "closed in the middle of an answer") }
        guard framing == .close else { return .failed("closed in the middle of an answer") }
        reply.body = bytes
        return .done(reply)
    }

    private mutating func body() throws(HeadFault) -> Step {
        guard var reply, let limit = bodyLimit else { return .more }
        switch framing {
        case .none: return .done(reply)
        case .close: return bytes.count > limit ? tooLong : .more
        case .length(let length):
            guard length <= UInt64(limit) else { return tooLong }
            guard bytes.count >= Int(length) else { return .more }
            reply.body = Array(bytes.prefix(Int(length)))
            return .done(reply)
        case .chunked: return try dechunk()
        }
    }

    private mutating func dechunk() throws(HeadFault) -> Step {
        var position = 0
        while position < bytes.count {
            switch try step(position) {
            case .framing(let count): position += count
            case .data(let count):
                guard (reply?.body.count ?? 0) + count <= bodyLimit ?? 0 else { return tooLong }
                reply?.body.append(contentsOf: bytes[position..<position + count])
                position += count
            case .end: return reply.map { .done($0) } ?? .more
            }
        }
        bytes.removeAll(keepingCapacity: true)
        return .more
    }

    // With locals, since a span of one property keeps the others from being changed.

    private mutating func scan() throws(HeadFault) -> Int? {
        var scanner = scanner
        defer { self.scanner = scanner }
        return try scanner.end(in: bytes.span)
    }

    private mutating func step(_ position: Int) throws(HeadFault) -> ChunkScanner.Step {
        var chunks = chunks
        defer { self.chunks = chunks }
        return try chunks.step(bytes.span, from: position)
    }

    private var tooLong: Step { .failed("the answer is longer than \(bodyLimit ?? 0) bytes") }
}
