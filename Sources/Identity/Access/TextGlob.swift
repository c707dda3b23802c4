/// A pattern over a whole text: `*` any characters, `?` one, everything else itself. Case counts.
package struct TextGlob: Hashable, Sendable {
    private let glob: ComponentGlob
    /// Without `*` and `?`: it is one text.
    package let isLiteral: Bool

    package init(_ pattern: String) {
        glob = ComponentGlob(Array(pattern.utf8))
        isLiteral = !pattern.utf8.contains { $0 == 0x2A || $0 == 0x3F }
    }

    /// The work is at most the product of both lengths, whatever the pattern.
    package func matches(_ text: Span<UInt8>) -> Bool {
        text.withUnsafeBufferPointer { glob.matches($0[...]) }
    }

    package func matches(_ text: String) -> Bool { matches(text.utf8Span.span) }
}
