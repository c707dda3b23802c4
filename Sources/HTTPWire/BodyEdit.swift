/// Other bytes in the place of some of a body.
package struct BodyEdit: Hashable, Sendable {
    /// What is replaced, counted from the body's first byte, its framing not counted; empty: the replacement goes before
    /// the byte there.
    package let range: Range<UInt64>
    package let replacement: [UInt8]

    package init(_ range: Range<UInt64>, replacement: [UInt8]) {
        self.range = range
        self.replacement = replacement
    }

    /// The length that a body of `length` bytes, which holds all that is replaced, has afterwards.
    package func length(of length: UInt64) -> UInt64 {
        length - (range.upperBound - range.lowerBound) + UInt64(replacement.count)
    }
}
