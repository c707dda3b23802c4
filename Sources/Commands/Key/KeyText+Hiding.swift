internal import Identity

extension KeyText {
    /// The text with the secret of everything that may be an API key of the broker's replaced: `mb_ID_(secret)`. For messages
    /// that repeat what somebody typed.
    static func hidden(in text: String) -> String {
        var result = ""
        var rest = text[...]
        while let start = rest.firstRange(of: "mb_") {
            result += rest[..<start.upperBound]
            rest = rest[start.upperBound...]
            let key = rest.prefix { $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "_" || $0 == "-") }
            guard let end = key.firstIndex(of: "_"), key[end...].utf8.count > 20 else { continue }
            result += key[...end] + "(secret)"
            rest = rest[key.endIndex...]
        }
        return result + rest
    }
}
