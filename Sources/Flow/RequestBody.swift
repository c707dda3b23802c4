import HTTPWire

/// The body of a request on its way through: where it ends, and which model it names.
struct RequestBody {
    private var framing: Framing
    private var remaining: UInt64 = 0
    private var chunks = ChunkScanner()
    private var json: JSONKeyScanner
    /// The model is looked for in it.
    let isInspected: Bool
    /// Why the JSON can't be read; scanning has stopped.
    private(set) var jsonFault: JSONFault?
    private(set) var isComplete = false
    /// Bytes of data so far, framing not counted.
    private(set) var size: UInt64 = 0

    /// - Parameters:
    ///   - inspect: look for the model in it.
    ///   - promptBytes: how much of the prompt is hashed.
    init(_ framing: Framing, inspect: Bool, promptBytes: Int = 0) {
        json = JSONKeyScanner(promptBytes: promptBytes)
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

    /// How many answers the request wants, as far as it has been read; nil: it says nothing of it.
    var answers: UInt64? { json.answers }

    /// The first value that is not what its key asks for, as far as the request has been read.
    var keyFault: KeyFault? { json.keyFault }

    /// What the request says under `stream_options`, as far as it has been read.
    var streamOptions: StreamOptions { json.streamOptions }

    /// Where the brace stands in the body's data that ends it; nil: it has not come, or the body is no JSON object.
    var closingBrace: UInt64? { isReadable ? json.closingBrace : nil }

    /// It is looked into, and nothing is wrong with its JSON so far.
    var isReadable: Bool { isInspected && jsonFault == nil }

    /// What the request says of streaming; nil: nothing.
    var isStream: Bool? { json.stream }

    /// Hashes of the `user` and of the prompt's head; 0: none was seen.
    var userHash: UInt64 { json.user }
    var promptHash: UInt64 { json.prompt }

    /// Where the name found stands in the body's data; nil: none was.
    var modelRange: Range<UInt64>? { foundModel ? json.modelRange : nil }

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

    /// Takes the next step from `position`, which must be below `bytes.count`, for callers that tell data from framing.
    mutating func step(_ bytes: Span<UInt8>, from position: Int) throws(HeadFault) -> ChunkScanner.Step {
        let step = try chunks.step(bytes, from: position)
        if case .data(let count) = step { data(bytes, position..<position + count) }
        if case .end = step { finish() }
        return step
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
