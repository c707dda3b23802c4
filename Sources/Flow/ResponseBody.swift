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

    init(_ framing: Framing, isEventStream: Bool, readsUsage: Bool = false) {
        self.framing = framing
        self.isEventStream = isEventStream
        self.readsUsage = readsUsage
        usage = UsageScanner(isEventStream: isEventStream)
        switch framing {
        case .none: isComplete = true
        case .length(let length):
            remaining = length
            isComplete = length == 0
        case .chunked, .close: isComplete = false
        }
    }

    /// An event written now would reach the client whole and by itself.
    var acceptsErrorEvent: Bool {
        guard isEventStream, events.isBetweenEvents, !isComplete else { return false }
        return framing == .close || (framing == .chunked && chunks.isAtBoundary)
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
}
