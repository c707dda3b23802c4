/// The inside of a JSON string that says some text.
package enum JSONEscape {
    /// Whether `text` is ASCII of which nothing needs an escape.
    package static func isPlain(_ text: Span<UInt8>) -> Bool { text.endOfPlainText(from: 0, to: text.count) == text.count }

    /// Appends `text`, which must be UTF-8, without quotes around it.
    package static func append(_ text: Span<UInt8>, to output: inout [UInt8]) {
        var index = 0
        while index < text.count {
            let stop = text.endOfPlainText(from: index, to: text.count)
            output.append(text, index..<stop)
            index = stop
            guard index < text.count else { return }
            append(text[index], to: &output)
            index += 1
        }
    }

    private static func append(_ byte: UInt8, to output: inout [UInt8]) {
        switch byte {
        case 0x22, 0x5C:
            output.append(0x5C)
            output.append(byte)
        case 0..<0x20:
            output.append(contentsOf: [0x5C, 0x75, 0x30, 0x30])
            output.append(hexDigit(byte >> 4))
            output.append(hexDigit(byte & 0xF))
        default: output.append(byte)
        }
    }

    private static func hexDigit(_ value: UInt8) -> UInt8 { value < 10 ? 0x30 + value : 0x57 + value }
}
