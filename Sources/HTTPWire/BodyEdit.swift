/// Puts other bytes in the place of some of a body that arrives piece by piece.
package struct BodyEdit: Sendable {
    /// What is replaced, counted from the body's first byte, its framing not counted.
    package let range: Range<UInt64>
    package let replacement: [UInt8]
    private var position: UInt64 = 0

    package init(_ range: Range<UInt64>, replacement: [UInt8]) {
        self.range = range
        self.replacement = replacement
    }

    /// Nothing is left to be replaced.
    package var isDone: Bool { position >= range.upperBound }

    /// The length that a body of `length` bytes, which holds all that is replaced, has afterwards.
    package func length(of length: UInt64) -> UInt64 {
        length - (range.upperBound - range.lowerBound) + UInt64(replacement.count)
    }

    /// How many bytes become of the next `count`.
    package func length(ofNext count: Int) -> Int {
        let next = position..<position + UInt64(count)
        let kept = count - range.clamped(to: next).count
        return beginsIn(next) ? kept + replacement.count : kept
    }

    /// Takes the next step through `bytes[piece]`, the next piece of the body, its framing taken off. What it left over is
    /// for the next step, which goes further.
    package mutating func step(_ bytes: Span<UInt8>, _ piece: Range<Int>, into output: inout [UInt8]) -> RewriteStep {
        let next = position..<position + UInt64(piece.count)
        guard !next.isEmpty, !isDone, next.upperBound > range.lowerBound else {
            position = next.upperBound
            return RewriteStep(passed: piece.count, replaced: 0)
        }
        let overlap = range.clamped(to: next)
        if beginsIn(next) { output.append(contentsOf: replacement) }
        position = overlap.upperBound
        return RewriteStep(passed: Int(overlap.lowerBound - next.lowerBound), replaced: overlap.count)
    }

    private func beginsIn(_ next: Range<UInt64>) -> Bool { next.contains(range.lowerBound) }
}
