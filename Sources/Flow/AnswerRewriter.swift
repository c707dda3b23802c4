import HTTPWire
import Routing

/// An answer whose body does not go on as it is, and gets, for its length changes with that, a framing of the broker's own:
/// for a caller who knows the model by another name than its endpoint does the name in it becomes the caller's; for one
/// who did not ask what a stream used the event that says so is left out.
struct AnswerRewriter: Sendable {
    enum Framing: Hashable {
        /// Held until it is whole, and then sent with its length.
        case whole
        case chunked
        /// Until the connection closes, for callers who know no chunks.
        case close
    }

    /// Longest answer that is held whole.
    static let wholeLimit: UInt64 = 256 << 10

    let framing: Framing
    private var names: ModelRewriter?
    private var usage: UsageStripper?
    /// What is ready to go out.
    private(set) var body: [UInt8] = []
    /// What is left of the pieces before the names in them are replaced, where both is done.
    private var rest: [UInt8] = []

    init(_ names: ModelRewriter?, stripsUsage: Bool, _ framing: Framing) {
        self.names = names
        usage = stripsUsage ? UsageStripper() : nil
        self.framing = framing
    }

    /// Chunks of events that say nothing of what was used need not be taken.
    var passesPlainEvents: Bool { names == nil && framing == .chunked }

    mutating func take(_ bytes: Span<UInt8>, _ range: Range<Int>) {
        guard usage != nil || names != nil else { return body.append(bytes, range) }
        guard usage != nil else { names?.rewrite(bytes, range, into: &body); return }
        guard names != nil else { usage?.strip(bytes, range, into: &body); return }
        usage?.strip(bytes, range, into: &rest)
        rename()
    }

    mutating func finish() {
        if names == nil { usage?.finish(into: &body) } else { usage?.finish(into: &rest) }
        rename()
        names?.finish(into: &body)
    }

    private mutating func rename() {
        guard !rest.isEmpty else { return }
        var text: [UInt8] = []
        swap(&text, &rest)
        names?.rewrite(text.span, 0..<text.count, into: &body)
        text.removeAll(keepingCapacity: true)
        swap(&text, &rest)
    }

    /// What was ready has gone out.
    mutating func clear() { body.removeAll(keepingCapacity: true) }

    /// Appends what is ready as the body has to have it.
    func append(to output: inout [UInt8], isLast: Bool) {
        guard framing == .chunked else { return output.append(contentsOf: body) }
        if !body.isEmpty {
            ChunkWriter.appendSize(body.count, to: &output)
            output.append(contentsOf: body)
            ChunkWriter.appendEnd(to: &output)
        }
        guard isLast else { return }
        ChunkWriter.appendLast(to: &output)
        ChunkWriter.appendEnd(to: &output)
    }
}

extension Flow {
    /// What becomes of the body of the answer that begins; nil: it goes on as it is.
    mutating func makeRewriter(_ parsed: ResponseHead, _ head: Span<UInt8>) -> AnswerRewriter? {
        let stripsUsage = exchange.asksUsage && parsed.isEventStream && !requestBody.streamOptions.asksUsage
        if exchange.isBegun, !exchange.renames, !stripsUsage {
            // The client has the head of a stream in chunks.
            return answerBody.framing == .chunked ? nil : AnswerRewriter(nil, stripsUsage: false, .chunked)
        }
        guard exchange.renames || stripsUsage, !answerBody.isComplete, !parsed.isEncoded,
            let form = parsed.form(in: head), let framing = framing(stripsUsage: stripsUsage)
        else { return nil }
        let names = exchange.renames ? nameRewriter(parsed, head, form) : nil
        guard names != nil || stripsUsage else { return nil }
        return AnswerRewriter(names, stripsUsage: stripsUsage, framing)
    }

    private func framing(stripsUsage: Bool) -> AnswerRewriter.Framing? {
        if exchange.isBegun { return .chunked }
        switch answerBody.framing {
        case .length(let length) where length <= AnswerRewriter.wholeLimit && !stripsUsage: return .whole
        case .close: return .close
        case .none: return nil
        case .length, .chunked: return request.isHTTP11 ? .chunked : .close
        }
    }

    /// Puts the caller's name back, if the answer is of a form that holds it.
    private mutating func nameRewriter(_ parsed: ResponseHead, _ head: Span<UInt8>, _ form: BodyForm) -> ModelRewriter? {
        // Binary tensors follow a JSON text whose length a header says.
        if family == .v2, HeadField.has("inference-header-content-length", in: head, from: parsed.fieldsStart, size: parsed.size)
        {
            return nil
        }
        let key: ModelRewriter.Key = family != .v2 ? .model : request.method == .get ? .name : .modelName
        return withName { name in
            var escaped: [UInt8] = []
            JSONEscape.append(name, to: &escaped)
            return ModelRewriter(replacement: escaped, form: form, key: key)
        }
    }
}
