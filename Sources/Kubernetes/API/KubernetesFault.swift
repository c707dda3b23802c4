/// What is wrong with something that the API server said, in words of bounded length.
package struct KubernetesFault: Error, Hashable, Sendable, CustomStringConvertible {
    /// Versions are the server's own and no business of ours, but they are no books either.
    static let longestVersion = 256

    package let description: String

    package init(_ description: String) { self.description = description }

    /// What a decoder complains of, without repeating the document.
    ///
    /// - Parameter depth: of what is complained of, in the document.
    static func text(_ error: any Error, below depth: Int = 0) -> String {
        guard let error = error as? DecodingError else { return "not JSON" }
        switch error {
        case .keyNotFound(let key, let context): return "\(place(context, depth, key)) is missing"
        case .typeMismatch(_, let context), .valueNotFound(_, let context): return "\(place(context, depth)) is of another type"
        case .dataCorrupted(let context):
            return context.codingPath.isEmpty ? "not JSON" : "\(place(context, depth)) is not right"
        @unknown default: return "not as it should be"
        }
    }

    private static func place(_ context: DecodingError.Context, _ depth: Int, _ key: (any CodingKey)? = nil) -> String {
        let path = (context.codingPath.dropFirst(depth) + (key.map { [$0] } ?? [])).map {
            $0.intValue.map { "[\($0)]" } ?? $0.stringValue
        }
        return path.isEmpty ? "the value" : String(path.joined(separator: ".").prefix(120))
    }
}
