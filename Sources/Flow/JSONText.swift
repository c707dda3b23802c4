import HTTPWire

/// JSON strings.
enum JSONText {
    /// Appends `text` in quotes, escaped.
    static func append(_ text: String, to bytes: inout [UInt8]) {
        bytes.append(0x22)
        JSONEscape.append(text.utf8Span.span, to: &bytes)
        bytes.append(0x22)
    }

    static func escaped(_ text: [UInt8]) -> [UInt8] {
        var bytes: [UInt8] = []
        JSONEscape.append(text.span, to: &bytes)
        return bytes
    }
}
