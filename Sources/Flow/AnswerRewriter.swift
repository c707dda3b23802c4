import HTTPWire

/// An answer for a caller who knows the model by another name than its endpoint does: the name in the body becomes the
/// caller's, and the body, whose length changes with it, gets a framing of the broker's own.
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
    private var names: ModelRewriter
    /// What is ready to go out.
    private(set) var body: [UInt8] = []

    /// - Parameter name: the caller's.
    init(_ name: Span<UInt8>, _ form: BodyForm, _ key: ModelRewriter.Key, _ framing: Framing) {
        var escaped: [UInt8] = []
        JSONEscape.append(name, to: &escaped)
        self.framing = framing
        names = ModelRewriter(replacement: escaped, form: form, key: key)
    }

    mutating func take(_ bytes: Span<UInt8>, _ range: Range<Int>) { names.rewrite(bytes, range, into: &body) }

    mutating func finish() { names.finish(into: &body) }

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
