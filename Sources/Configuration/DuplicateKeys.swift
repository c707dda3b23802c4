/// The YAML library stops at the first mapping that has a key twice. To find everything else that is wrong, too, the
/// first of the two keys gets marks that make it another key, and the file is read again.
enum DuplicateKeys {
    /// A private-use character that no sensible key has.
    static let mark: Unicode.Scalar = "\u{E0F0}"

    /// `text` with `count` marks before the key that starts at `line` and `column`, both counted from 1, columns in
    /// Unicode scalars; nil when nothing there can be marked.
    static func marking(_ text: String, line: Int, column: Int, count: Int) -> String? {
        let scalars = text.unicodeScalars
        guard let lineStart = start(ofLine: line, in: scalars),
            var key = scalars.index(lineStart, offsetBy: column - 1, limitedBy: scalars.endIndex),
            key < scalars.endIndex, !"&*!?[{|>".unicodeScalars.contains(scalars[key])
        else { return nil }
        if scalars[key] == "\"" || scalars[key] == "'" { key = scalars.index(after: key) }
        var result = String(scalars[..<key])
        result.unicodeScalars.append(contentsOf: repeatElement(mark, count: count))
        result.unicodeScalars.append(contentsOf: scalars[key...])
        return result
    }

    /// The key as the file has it.
    static func unmarked(_ key: String) -> String {
        guard key.unicodeScalars.first == mark else { return key }
        return String(String.UnicodeScalarView(key.unicodeScalars.drop { $0 == mark }))
    }

    private static func start(ofLine line: Int, in scalars: String.UnicodeScalarView) -> String.Index? {
        var position = scalars.startIndex
        for _ in 1..<max(line, 1) {
            guard let end = scalars[position...].firstIndex(where: isBreak) else { return nil }
            position = scalars.index(after: end)
            if scalars[end] == "\r", position < scalars.endIndex, scalars[position] == "\n" {
                position = scalars.index(after: position)
            }
        }
        return position
    }

    /// The line breaks of YAML 1.1.
    private static func isBreak(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar {
        case "\n", "\r", "\u{85}", "\u{2028}", "\u{2029}": true
        default: false
        }
    }
}
