import HTTPWire

/// Takes out of a text what is nobody else's business: credentials, and what identifies people. It goes by the looks of
/// things and knows nothing of what was meant; a secret that is spread over several events of a stream it does not see.
struct Redaction {
    static let mark: StaticString = "[redacted]"
    /// Bytes of an e-mail address before its `@` that are looked for.
    static let localLimit = 64
    private static let nameLimit = 64
    /// A key has at least that many bytes behind its prefix.
    private static let keyLength = 16

    let text: ArraySlice<UInt8>
    /// The text goes on beyond its end, so that what stands there may be the beginning of something.
    let isCut: Bool

    private init(_ text: [UInt8], isCut: Bool) {
        self.text = text[...]
        self.isCut = isCut
    }

    /// The text as it may be kept.
    static func apply(_ text: [UInt8], isCut: Bool = false) -> [UInt8] {
        let redaction = Redaction(text, isCut: isCut)
        var output: [UInt8] = []
        output.reserveCapacity(text.count)
        redaction.run(into: &output)
        return output
    }

    private func run(into output: inout [UInt8]) {
        var index = 0
        // What was put out since the last mark, and stands there as it stood in the text.
        var verbatim = 0
        // Up to here no token begins: looking for its dots anew from each place would take a time that grows with the square.
        var tokenless = 0
        while index < text.count {
            if text[index] == 0x40, let (before, after) = mail(at: index, verbatim) {
                output.removeLast(before)
                output.append(Self.mark)
                (index, verbatim) = (after, 0)
            } else if let kept = keptBefore(index) {
                // A name, or a scheme, stays; what follows it does not.
                output.append(contentsOf: text[index..<kept.start])
                output.append(Self.mark)
                (index, verbatim) = (kept.end, 0)
            } else if let end = secret(at: index, &tokenless) {
                output.append(Self.mark)
                (index, verbatim) = (end, 0)
            } else if isDigit(index) {
                let run = digits(at: index)
                if run.isPersonal { output.append(Self.mark) } else { output.append(contentsOf: text[index..<run.end]) }
                verbatim = run.isPersonal ? 0 : verbatim + run.end - index
                index = run.end
            } else {
                output.append(text[index])
                index += 1
                verbatim += 1
            }
        }
    }

    // MARK: - Keys and tokens

    private static let prefixes: [StaticString] = [
        "sk-", "sk_", "rk_", "mb_", "ghp_", "gho_", "ghu_", "ghs_", "ghr_", "github_pat_", "glpat-", "AKIA", "ASIA", "xoxb-",
        "xoxp-", "xoxa-", "hf_", "AIza", "npg_",
    ]

    /// Where the key or the token ends that begins at `index`.
    private func secret(at index: Int, _ tokenless: inout Int) -> Int? {
        guard isBoundary(index) else { return nil }
        if begins("eyJ", at: index) { return index < tokenless ? nil : token(at: index, &tokenless) }
        for prefix in Self.prefixes where begins(prefix, at: index) {
            let start = index + prefix.utf8CodeUnitCount
            let end = endOfKey(from: start)
            if end - start >= Self.keyLength || end == text.count && isCut { return end }
        }
        return nil
    }

    /// A JSON web token: its parts are joined by dots.
    private func token(at index: Int, _ tokenless: inout Int) -> Int? {
        var end = index
        var dots = 0
        while end < text.count, isKeyByte(end) || text[end] == 0x2E {
            if text[end] == 0x2E { dots += 1 }
            end += 1
        }
        if dots > 0 || end == text.count && isCut { return end }
        tokenless = end
        return nil
    }

    private func endOfKey(from start: Int) -> Int {
        var end = start
        while end < text.count, isKeyByte(end) { end += 1 }
        return end
    }

    func isKeyByte(_ index: Int) -> Bool { isWord(index) || text[index] == 0x2D }

    // MARK: - What stands behind its name

    /// From where to where something is taken out whose name, or whose scheme, begins at `index`.
    private func keptBefore(_ index: Int) -> (start: Int, end: Int)? {
        if text[index] == 0x22 { return member(at: index) }
        guard isBoundary(index), begins("bearer ", at: index, ignoringCase: true) else { return nil }
        let start = index + 7
        var end = start
        while end < text.count, isKeyByte(end) || [0x2E, 0x2B, 0x2F, 0x3D, 0x7E].contains(text[end]) { end += 1 }
        return end - start >= 8 || end == text.count && isCut ? (start, end) : nil
    }

    /// A JSON member whose name says that its text is secret; it may stand in a string itself, with its quotes escaped.
    private func member(at quote: Int) -> (start: Int, end: Int)? {
        let depth = backslashes(before: quote)
        var index = quote + 1
        while index < text.count, index - quote <= Self.nameLimit, isKeyByte(index) || text[index] == 0x2E { index += 1 }
        guard isSecretName(quote + 1..<index), let closed = close(index, depth) else { return nil }
        guard let colon = skipSpace(closed), text[colon] == 0x3A, let opening = skipSpace(colon + 1) else { return nil }
        guard let start = close(opening, depth) else { return nil }
        var end = start
        while end < text.count, text[end] != 0x22 || backslashes(before: end) > depth { end += 1 }
        if end < text.count { end -= min(depth, backslashes(before: end)) }
        return end > start ? (start, end) : nil
    }

    private static let names: [StaticString] = [
        "password", "passwd", "secret", "token", "api_key", "api-key", "apikey", "authorization",
    ]

    private func isSecretName(_ range: Range<Int>) -> Bool {
        Self.names.contains { name in
            let count = name.utf8CodeUnitCount
            return range.count >= count && begins(name, at: range.upperBound - count, ignoringCase: true)
        }
    }

    /// What follows a quote at `index` that has `depth` backslashes before it.
    private func close(_ index: Int, _ depth: Int) -> Int? {
        let quote = index + depth
        guard quote < text.count, text[quote] == 0x22, (index..<quote).allSatisfy({ text[$0] == 0x5C }) else { return nil }
        return quote + 1
    }

    private func skipSpace(_ start: Int) -> Int? {
        var index = start
        while index < text.count, [0x20, 0x09, 0x0A, 0x0D].contains(text[index]) { index += 1 }
        return index < text.count ? index : nil
    }

    private func backslashes(before index: Int) -> Int {
        var count = 0
        while index - count > 0, text[index - count - 1] == 0x5C { count += 1 }
        return count
    }
}
