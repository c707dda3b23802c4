import HTTPWire

/// The body of a request on its way through: where it ends, and which model it names.
struct RequestBody {
    private var framing: Framing
    private var remaining: UInt64 = 0
    private var chunks = ChunkScanner()
    private var json = JSONKeyScanner()
    /// The model is looked for in it.
    let isInspected: Bool
    /// Why the JSON can't be read; scanning has stopped.
    private(set) var jsonFault: JSONFault?
    private(set) var isComplete = false
    /// Bytes of data so far, framing not counted.
    private(set) var size: UInt64 = 0

    /// - Parameter inspect: look for the model in it.
    init(_ framing: Framing, inspect: Bool) {
        self.framing = framing
        isInspected = inspect
        switch framing {
        case .length(let length): remaining = length
        case .chunked: break
        case .none, .close: isComplete = true
        }
        if remaining == 0, framing != .chunked { isComplete = true }
        if isComplete { finishJSON() }
    }

    /// The length that the head announced; nil for chunked bodies.
    var announced: UInt64? {
        switch framing {
        case .length(let length): length
        case .chunked: nil
        case .none, .close: 0
        }
    }

    /// How large the body is at least, given what came and what the present chunk announces.
    var leastSize: UInt64 { framing == .chunked ? size + chunks.announced : size }

    var foundModel: Bool { jsonFault == nil && json.foundModel }

    /// The limit of tokens that the request states, as far as it has been read.
    var maxTokens: UInt64? { json.maxTokens }

    /// The name found, for as long as `body` runs.
    func withModel<Result>(_ body: (Span<UInt8>) -> Result) -> Result? {
        guard foundModel else { return nil }
        return json.model.withBytes(body)
    }

    /// Goes on through `bytes` from `position`; returns where the message ends, or the end of `bytes` if it goes on.
    mutating func advance(_ bytes: Span<UInt8>, from position: Int) throws(HeadFault) -> Int {
        guard !isComplete else { return position }
        if framing == .chunked { return try advanceChunked(bytes, from: position) }
        let count = Int(min(remaining, UInt64(bytes.count - position)))
        remaining -= UInt64(count)
        data(bytes, position..<position + count)
        if remaining == 0 { finish() }
        return position + count
    }

    private mutating func advanceChunked(_ bytes: Span<UInt8>, from start: Int) throws(HeadFault) -> Int {
        var position = start
        while position < bytes.count {
            switch try chunks.step(bytes, from: position) {
            case .data(let count):
                data(bytes, position..<position + count)
                position += count
            case .framing(let count): position += count
            case .end(let count):
                finish()
                return position + count
            }
        }
        return position
    }

    private mutating func data(_ bytes: Span<UInt8>, _ range: Range<Int>) {
        size += UInt64(range.count)
        guard isInspected, jsonFault == nil else { return }
        do { try json.scan(bytes, range) } catch { jsonFault = error }
    }

    private mutating func finish() {
        isComplete = true
        finishJSON()
    }

    private mutating func finishJSON() {
        guard isInspected, jsonFault == nil else { return }
        do { try json.finish() } catch { jsonFault = error }
    }
}
