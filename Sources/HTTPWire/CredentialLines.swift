/// The field lines of a head with which a caller proves who it is, or means to: where each stands, and the credential in it.
package struct CredentialLines: Sendable {
    /// As many as are kept in mind; a head with more of them is nobody's.
    package static let limit = 4

    package enum Kind: UInt8, Hashable, Sendable {
        /// A key or a token: `Authorization: Bearer X`, `api-key: X`, `x-api-key: X`.
        case key
        /// `Authorization` with another scheme.
        case other
        /// Nothing but the name.
        case empty
    }

    package struct Line: Hashable, Sendable {
        package var kind = Kind.empty
        /// The whole line with its CRLF.
        package var line = Piece.none
        /// The key or the token itself.
        package var value = Piece.none
    }

    private var lines = InlineArray<4, Line>(repeating: Line())
    package private(set) var count = 0
    /// There were more than are kept in mind.
    package private(set) var isOverfull = false

    package init() {}

    package subscript(index: Int) -> Line { lines[index] }

    package var isEmpty: Bool { count == 0 }

    mutating func insert(_ kind: Kind, _ line: Range<Int>, _ value: Range<Int>) {
        guard count < Self.limit else { return isOverfull = true }
        lines[count] = Line(kind: value.isEmpty ? .empty : kind, line: Piece(line), value: Piece(value))
        count += 1
    }

    /// Takes an `Authorization` line: RFC 9110 section 11.6.2, the scheme in any case.
    mutating func insertAuthorization(_ field: FieldLine, in bytes: Span<UInt8>) {
        let value = field.value
        let scheme = 6
        guard value.count >= scheme,
            bytes.equals(value.lowerBound..<value.lowerBound + scheme, ignoringCase: "bearer"),
            value.count == scheme || bytes[value.lowerBound + scheme] == 0x20
        else { return insert(.other, field.line, value) }
        var start = value.lowerBound + scheme
        while start < value.upperBound, bytes[start] == 0x20 { start += 1 }
        insert(.key, field.line, start..<value.upperBound)
    }
}
