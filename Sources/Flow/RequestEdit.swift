import Catalog
import HTTPWire
import Routing

/// What becomes of the rest of a request's body on its way to the endpoint.
enum RequestEdit: Sendable {
    case length(BodyEdits)
    case chunked(ChunkedEdit)

    /// More edits may be added.
    var isOpen: Bool {
        switch self {
        case .length(let edits): edits.isOpen
        case .chunked(let edits): edits.isOpen
        }
    }

    /// The last edit; nil: there is none any more.
    mutating func finish(with edit: BodyEdit?) {
        switch self {
        case .length(var edits):
            if let edit { edits.add(edit) }
            edits.close()
            self = .length(edits)
        case .chunked(var edits):
            if let edit { edits.add(edit) }
            edits.close()
            self = .chunked(edits)
        }
    }

    /// Writes what becomes of `bytes[range]`, the next piece of what was received.
    mutating func pass(_ bytes: Span<UInt8>, _ range: Range<Int>, to out: inout FlowOutput) {
        switch self {
        case .length(var edits):
            var position = range.lowerBound
            while position < range.upperBound {
                let start = out.composed.count
                let step = edits.step(bytes, position..<range.upperBound, into: &out.composed)
                if step.passed > 0 { out.add(.write(.upstream, Slice(.received, position..<position + step.passed))) }
                out.writeComposed(to: .upstream, from: start)
                position += step.count
            }
            self = .length(edits)
        case .chunked(var edits):
            let start = out.composed.count
            BodyComposer.append(bytes, range, &edits, to: &out.composed)
            out.writeComposed(to: .upstream, from: start)
            self = .chunked(edits)
        }
    }
}

extension FlowOutput {
    /// Writes what was composed since `start`, if anything was.
    fileprivate mutating func writeComposed(to leg: Leg, from start: Int) {
        if composed.count > start { add(.write(leg, Slice(.composed, start..<composed.count))) }
    }
}

extension BodyEdits {
    /// The length to announce: where an edit may still follow, that leaves room for the member that asks for the usage.
    func announcedLength(of length: UInt64) -> UInt64 {
        self.length(of: length) + (isOpen ? UInt64(StreamOptions.member.utf8CodeUnitCount) : 0)
    }
}

/// What of a request's body is different for its endpoint: the model's name, and that the endpoint is to say at the end of
/// a stream what it used.
extension Flow {
    /// What has to become of the body; nil: nothing.
    ///
    /// - Parameter asksUsage: whether it may ask for the usage.
    mutating func bodyEdits(to target: Target, renames: Bool, asksUsage: Bool) -> BodyEdits? {
        let need = asksUsage ? usageNeed(of: target) : .nothing
        let name = renames ? requestBody.modelRange : nil
        guard need != .nothing || name != nil else { return nil }
        var edits = BodyEdits(isOpen: need == .unknown)
        if let name { edits.add(BodyEdit(name, replacement: JSONText.escaped(target.modelName))) }
        if case .edit(let edit) = need {
            edits.add(edit)
            exchange.asksUsage = true
        }
        return edits
    }

    /// What makes the request ask for the usage of the stream that it wants, where tokens count and it does not do so
    /// itself. `.unknown`: that depends on what is still to come of the body.
    private mutating func usageNeed(of target: Target) -> StreamOptions.Need {
        guard requestBody.isReadable, requestBody.isStream != false, requestBody.keyFault == nil, countsTokens,
            target.asksStreamUsage,
            target.engine == .openai || target.engine == .ollama, takesStreamOptions()
        else { return .nothing }
        let options = requestBody.streamOptions
        if options.isPresent { return requestBody.isStream == true && options.isWhole ? options.need : .nothing }
        guard let brace = requestBody.closingBrace else { return requestBody.isComplete ? .nothing : .unknown }
        return requestBody.isStream == true ? .edit(Self.member(at: brace)) : .nothing
    }

    private static func member(at brace: UInt64) -> BodyEdit {
        var member: [UInt8] = []
        member.append(StreamOptions.member)
        return BodyEdit(brace..<brace, replacement: member)
    }

    /// The request is one of those that have `stream_options`.
    private mutating func takesStreamOptions() -> Bool {
        guard family == .v1 else { return false }
        let bytes = inbox.span
        var path = request.target.range
        if let query = path.first(where: { bytes[$0] == 0x3F }) { path = path.lowerBound..<query }
        return bytes.equals(path, "/v1/chat/completions") || bytes.equals(path, "/v1/completions")
    }

    // MARK: - The rest of a body

    /// Passes a piece of a body on that was begun with edits; the body's scanner has been through it.
    mutating func sendEdited(_ bytes: Span<UInt8>, _ range: Range<Int>, _ out: inout FlowOutput) {
        let isSettled = exchange.edit.value?.isOpen == true && settleEdit()
        exchange.edit.change { $0.pass(bytes, range, to: &out) }
        // The body has ended, and was no object after all: what was announced must come.
        if isSettled, requestBody.closingBrace == nil, requestBody.announced != nil {
            out.compose(to: .upstream) { $0.append(contentsOf: Self.padding) }
        }
    }

    /// Decides what becomes of the room that was left for the member, now that the text has ended; false: it has not.
    private mutating func settleEdit() -> Bool {
        guard requestBody.closingBrace != nil || requestBody.isComplete else { return false }
        var edit: BodyEdit?
        if let brace = requestBody.closingBrace {
            exchange.asksUsage = requestBody.isStream == true && !requestBody.streamOptions.isPresent
            if exchange.asksUsage {
                edit = Self.member(at: brace)
            } else if requestBody.announced != nil {
                edit = BodyEdit(brace..<brace, replacement: Self.padding)
            }
        }
        exchange.edit.change { $0.finish(with: edit) }
        return true
    }

    /// As long as the member, and nothing in JSON.
    private static var padding: [UInt8] { Array(repeating: 0x20, count: StreamOptions.member.utf8CodeUnitCount) }
}
