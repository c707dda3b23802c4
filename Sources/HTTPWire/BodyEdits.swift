/// Edits of one body that arrives piece by piece.
package struct BodyEdits: Sendable {
    /// In the order of their places, none of which overlap.
    package private(set) var edits: [BodyEdit] = []
    /// More edits may be added: it is not known yet whether, and where.
    package private(set) var isOpen: Bool
    /// The first one that is not done.
    private var next = 0
    private var position: UInt64

    /// - Parameter position: how much of the body has gone by.
    package init(isOpen: Bool = false, from position: UInt64 = 0) {
        self.isOpen = isOpen
        self.position = position
    }

    package init(_ edit: BodyEdit) {
        self.init()
        add(edit)
    }

    /// Nothing is left to be done.
    package var isDone: Bool { next == edits.count && !isOpen }

    /// Adds an edit, whose place must not have gone by.
    package mutating func add(_ edit: BodyEdit) {
        precondition(edit.range.lowerBound >= position)
        let place = edits.firstIndex { $0.range.lowerBound > edit.range.lowerBound } ?? edits.count
        edits.insert(edit, at: place)
    }

    /// No edits will be added any more.
    package mutating func close() { isOpen = false }

    /// The length that a body of `length` bytes, which holds all that is replaced, has afterwards.
    package func length(of length: UInt64) -> UInt64 {
        var length = length
        for edit in edits { length = edit.length(of: length) }
        return length
    }

    /// How many bytes become of the next `count`.
    package func length(ofNext count: Int) -> Int {
        let piece = position..<position + UInt64(count)
        var length = count
        for edit in edits[next...] {
            guard edit.range.lowerBound < piece.upperBound else { break }
            length -= edit.range.clamped(to: piece).count
            if edit.range.lowerBound >= position { length += edit.replacement.count }
        }
        return length
    }

    /// Takes the next step through `bytes[piece]`, the next piece of the body, its framing taken off. What it left over is
    /// for the next step. It may go no byte further, but then the next ones do.
    package mutating func step(_ bytes: Span<UInt8>, _ piece: Range<Int>, into output: inout [UInt8]) -> RewriteStep {
        let end = position + UInt64(piece.count)
        guard next < edits.count, edits[next].range.lowerBound < end else {
            position = end
            return RewriteStep(passed: piece.count, replaced: 0)
        }
        let range = edits[next].range
        let start = max(position, range.lowerBound)
        let passed = Int(start - position)
        if position <= range.lowerBound { output.append(contentsOf: edits[next].replacement) }
        position = min(range.upperBound, end)
        if position == range.upperBound { next += 1 }
        return RewriteStep(passed: passed, replaced: Int(position - start))
    }
}
