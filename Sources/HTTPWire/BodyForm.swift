/// How a body holds its JSON.
package enum BodyForm: UInt8, Hashable, Sendable {
    /// One text.
    case json
    /// Server-sent events, each with a text in its `data` lines.
    case eventStream
    /// A text on each line (NDJSON).
    case jsonLines
}
