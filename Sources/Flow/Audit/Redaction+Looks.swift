/// What people are known by, and how bytes look.
extension Redaction {
    /// Bytes before the `@` at `index` that belong to an e-mail address, and where it ends.
    func mail(at index: Int, _ verbatim: Int) -> (before: Int, after: Int)? {
        var before = 0
        while before < min(verbatim, Self.localLimit), isLocal(index - before - 1) { before += 1 }
        var end = index + 1
        while end < text.count, isAlphanumeric(end) || text[end] == 0x2D || text[end] == 0x2E { end += 1 }
        let isCutHere = end == text.count && isCut
        // The point behind it ends a sentence.
        while end > index + 1, !isAlphanumeric(end - 1) { end -= 1 }
        guard before > 0, end > index + 1 else { return nil }
        return isCutHere || text[index + 1..<end].contains(0x2E) ? (before, end) : nil
    }

    func isLocal(_ index: Int) -> Bool { isKeyByte(index) || [0x2E, 0x25, 0x2B].contains(text[index]) }

    /// A number of 13 to 19 digits, as those of cards and accounts are, also in groups of three or more.
    func digits(at start: Int) -> (end: Int, isPersonal: Bool) {
        var (end, count) = (start, 0)
        while true {
            let group = end
            while end < text.count, isDigit(end) { end += 1 }
            count += end - group
            guard end - group >= 3, end < text.count, text[end] == 0x20 || text[end] == 0x2D else { break }
            let next = (end + 1..<end + 4)
            guard next.upperBound <= text.count, next.allSatisfy({ isDigit($0) }) else { break }
            end += 1
        }
        // Digits behind a point are a fraction's, as embeddings have them.
        let isFraction = start > 1 && text[start - 1] == 0x2E && isDigit(start - 2)
        if isFraction { return (end, false) }
        return (end, (13...19).contains(count) || end == text.count && isCut && count >= 4)
    }

    // MARK: - Bytes

    func isDigit(_ index: Int) -> Bool { text[index] &- 0x30 < 10 }

    func isAlphanumeric(_ index: Int) -> Bool { isDigit(index) || (text[index] | 0x20) &- 0x61 < 26 }

    func isWord(_ index: Int) -> Bool { isAlphanumeric(index) || text[index] == 0x5F }

    /// No word goes on here; the letter of a JSON escape (`\n`) is none.
    func isBoundary(_ index: Int) -> Bool {
        guard index > 0, isWord(index - 1) else { return true }
        return index > 1 && text[index - 2] == 0x5C
    }

    func begins(_ prefix: StaticString, at index: Int, ignoringCase: Bool = false) -> Bool {
        let count = prefix.utf8CodeUnitCount
        guard index + count <= text.count else { return false }
        return prefix.withUTF8Buffer { bytes in
            (0..<count).allSatisfy {
                let byte = text[index + $0]
                return byte == bytes[$0] || ignoringCase && byte &- 0x41 < 26 && byte | 0x20 == bytes[$0]
            }
        }
    }
}
