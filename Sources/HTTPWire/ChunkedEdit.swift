/// Edits of a body in the chunked transfer coding: chunks are framed anew until they are done, after that they and the
/// trailers go on as they are.
package struct ChunkedEdit: Sendable {
    private var edits: BodyEdits
    private var chunks = ChunkScanner()
    /// Bytes of data that the chunk under way still has in this piece.
    private var data = 0
    /// The chunk under way was begun with a line of our own.
    private var isBegun = false
    /// Everything goes on as it is.
    private var isRaw = false
    /// Bytes that go on as they are before anything else is looked at.
    private var owed = 0
    private var isOver = false

    package init(_ edits: BodyEdits) { self.edits = edits }

    /// The message has ended.
    package var isComplete: Bool { isOver && owed == 0 }

    /// More edits may be added.
    package var isOpen: Bool { edits.isOpen }

    /// Adds an edit, whose place must not have gone by.
    package mutating func add(_ edit: BodyEdit) { edits.add(edit) }

    /// No edits will be added any more.
    package mutating func close() { edits.close() }

    /// Takes the next step from `position`, which must be below `bytes.count`, unless the message has ended. It may go no
    /// byte further, but then the next ones do.
    package mutating func step(
        _ bytes: Span<UInt8>, from position: Int, into output: inout [UInt8]
    ) throws(HeadFault) -> RewriteStep {
        if owed > 0 {
            defer { owed = 0 }
            return RewriteStep(passed: owed, replaced: 0)
        }
        if data > 0 { return takeData(bytes, position, &output) }
        let trailersBefore = chunks.trailerSize
        switch try chunks.step(bytes, from: position) {
        case .data(let count):
            if isRaw { return RewriteStep(passed: count, replaced: 0) }
            beginChunk(count, &output)
            return RewriteStep(passed: 0, replaced: 0)
        case .framing(let count): return takeFraming(count, chunks.trailerSize - trailersBefore, &output)
        case .end(let count):
            isOver = true
            return takeFraming(count, chunks.trailerSize - trailersBefore, &output)
        }
    }

    private mutating func beginChunk(_ count: Int, _ output: inout [UInt8]) {
        data = count
        let size = edits.length(ofNext: count)
        isBegun = size > 0
        if isBegun { ChunkWriter.appendSize(size, to: &output) }
    }

    private mutating func takeData(_ bytes: Span<UInt8>, _ position: Int, _ output: inout [UInt8]) -> RewriteStep {
        let step = edits.step(bytes, position..<position + data, into: &output)
        data -= step.count
        guard data == 0, isBegun else { return step }
        if edits.isDone, chunks.isBehindData {
            // The line end that comes now ends our chunk as well.
            isRaw = true
        } else {
            ChunkWriter.appendEnd(to: &output)
        }
        return step
    }

    /// The last `trailers` of the `count` bytes are behind the last chunk's line.
    private mutating func takeFraming(_ count: Int, _ trailers: Int, _ output: inout [UInt8]) -> RewriteStep {
        if isRaw { return RewriteStep(passed: count, replaced: 0) }
        guard chunks.isPastChunks else { return RewriteStep(passed: 0, replaced: count) }
        ChunkWriter.appendLast(to: &output)
        isRaw = true
        owed = trailers
        return RewriteStep(passed: 0, replaced: count - trailers)
    }
}
