internal import HTTPWire

/// Reads one answer and hands its body on as it arrives, whatever its length.
struct StreamReader: AnswerReader {
    /// Told of the answer's status, before the body.
    private let head: (_ status: Int) -> Void
    /// Told of each piece of the body. False: nothing more is wanted.
    private let take: (ArraySlice<UInt8>) -> Bool
    private var bytes: [UInt8] = []
    private var scanner = HeadScanner()
    private var status: Int?
    private var framing = Framing.close
    private var chunks = ChunkScanner()
    private var left: UInt64 = 0

    init(head: @escaping (_ status: Int) -> Void, take: @escaping (ArraySlice<UInt8>) -> Bool) {
        self.head = head
        self.take = take
    }

    mutating func feed(_ new: ArraySlice<UInt8>) -> ReplyReader.Step {
        bytes.append(contentsOf: new)
        do {
            while status == nil {
                guard let end = try scan() else { return .more }
                let read = try ResponseHead(parsing: bytes.span, size: end)
                bytes.removeFirst(end)
                scanner = HeadScanner()
                // 100 and 103 are only announcements.
                guard read.status >= 200 else { continue }
                guard !read.isEncoded else { return .failed("the answer is compressed") }
                status = read.status
                framing = read.bodyFraming(forHead: false)
                if case .length(let length) = framing { left = length }
                head(read.status)
            }
            return try body()
        } catch {
            return .failed("not an HTTP answer: \(error.message)")
        }
    }

    mutating func end() -> ReplyReader.Step {
        guard let status else { return .failed(bytes.isEmpty ? "closed without an answer" : "closed in the middle of an answer") }
        return framing == .close ? .done(Reply(status: status)) : .failed("closed in the middle of an answer")
    }

    private mutating func body() throws(HeadFault) -> ReplyReader.Step {
        guard let status else { return .more }
        defer { bytes.removeAll(keepingCapacity: bytes.capacity <= 64 << 10) }
        let done = ReplyReader.Step.done(Reply(status: status))
        switch framing {
        case .none: return done
        case .close: return bytes.isEmpty || take(bytes[...]) ? .more : done
        case .length:
            let piece = bytes.prefix(Int(clamping: left))
            left -= UInt64(piece.count)
            guard piece.isEmpty || take(piece) else { return done }
            return left == 0 ? done : .more
        case .chunked: return try dechunk(done)
        }
    }

    private mutating func dechunk(_ done: ReplyReader.Step) throws(HeadFault) -> ReplyReader.Step {
        var position = 0
        while position < bytes.count {
            switch try step(position) {
            case .framing(let count): position += count
            case .data(let count):
                guard take(bytes[position..<position + count]) else { return done }
                position += count
            case .end: return done
            }
        }
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
}
