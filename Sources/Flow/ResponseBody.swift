import HTTPWire

/// The body of an answer on its way through: where it ends, and whether an error event could be put in here.
struct ResponseBody {
    private(set) var framing = Framing.none
    private(set) var isComplete = true
    private var remaining: UInt64 = 0
    private var chunks = ChunkScanner()
    private let isEventStream: Bool
    private var events = EventBoundary()
    /// What the answer used is looked for in it.
    let readsUsage: Bool
    private(set) var usage: UsageScanner

    init(_ framing: Framing, _ form: BodyForm? = nil, readsUsage: Bool = false) {
        self.framing = framing
        isEventStream = form == .eventStream
        self.readsUsage = readsUsage
        usage = UsageScanner(form ?? .json)
        switch framing {
        case .none: isComplete = true
        case .length(let length):
            remaining = length
            isComplete = length == 0
        case .chunked, .close: isComplete = false
        }
    }

    /// An event written now would reach the client whole and by itself.
    ///
    /// - Parameter isReframed: the client gets chunks of the broker's own, none of which is ever left open.
    func acceptsErrorEvent(isReframed: Bool) -> Bool {
        guard isEventStream, events.isBetweenEvents, !isComplete else { return false }
        return isReframed || framing == .close || (framing == .chunked && chunks.isAtBoundary)
    }

    /// Goes on through `bytes` from `position`; returns where the message ends, or the end of `bytes` if it goes on.
    mutating func advance(_ bytes: Span<UInt8>, from position: Int) throws(HeadFault) -> Int {
        guard !isComplete else { return position }
        switch framing {
        case .chunked: return try advanceChunked(bytes, from: position)
        case .length:
            let count = Int(min(remaining, UInt64(bytes.count - position)))
            if readsUsage { usage.scan(bytes, position..<position + count) }
            remaining -= UInt64(count)
            isComplete = remaining == 0
            return position + count
        case .close:
            if isEventStream { events.advance(bytes, position..<bytes.count) }
            if readsUsage { usage.scan(bytes, position..<bytes.count) }
            return bytes.count
        case .none: return position
        }
    }

    /// Goes past chunks of events of which nothing is to be known and in which nothing is to be changed; returns where they
    /// end, `position` if it stands before anything else.
    mutating func passPlainEvents(_ bytes: Span<UInt8>, from position: Int) -> Int {
        guard isEventStream, framing == .chunked, chunks.isAtBoundary, events.isClean, !readsUsage || usage.isBetweenEvents
        else { return position }
        let events = PlainEvents(chunkedIn: bytes, from: position)
        if readsUsage { usage.skip(events) }
        return events.end
    }

    /// The connection has ended, and the body with it.
    mutating func close() {
        if framing == .close { isComplete = true }
    }

    private mutating func advanceChunked(_ bytes: Span<UInt8>, from start: Int) throws(HeadFault) -> Int {
        var position = start
        while position < bytes.count {
            switch try chunks.step(bytes, from: position) {
            case .data(let count):
                if isEventStream { events.advance(bytes, position..<position + count) }
                if readsUsage { usage.scan(bytes, position..<position + count) }
                position += count
            case .framing(let count): position += count
            case .end(let count):
                isComplete = true
                return position + count
            }
        }
        return position
    }

    /// Takes the next step from `position`, which must be below `bytes.count`, for callers that tell data from framing.
    mutating func step(_ bytes: Span<UInt8>, from position: Int) throws(HeadFault) -> ChunkScanner.Step {
        if framing == .chunked {
            let step = try chunks.step(bytes, from: position)
            if case .data(let count) = step { note(bytes, position..<position + count) }
            if case .end = step { isComplete = true }
            return step
        }
        var count = bytes.count - position
        if case .length = framing {
            count = Int(min(remaining, UInt64(count)))
            remaining -= UInt64(count)
            isComplete = remaining == 0
        }
        note(bytes, position..<position + count)
        return .data(count: count)
    }

    private mutating func note(_ bytes: Span<UInt8>, _ range: Range<Int>) {
        if isEventStream { events.advance(bytes, range) }
        if readsUsage { usage.scan(bytes, range) }
    }
}
