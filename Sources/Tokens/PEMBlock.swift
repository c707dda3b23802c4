/// One of the texts between `-----BEGIN X-----` and `-----END X-----`.
struct PEMBlock: Hashable {
    let label: String
    /// With both lines.
    let text: String

    /// What stands between blocks is passed over.
    static func blocks(in document: String) throws(KeySetReader.Fault) -> [PEMBlock] {
        var blocks: [PEMBlock] = []
        var open: (label: String, lines: [String])?
        for line in document.split(whereSeparator: \.isNewline).map(trimmed) {
            if let label = label(of: line, "BEGIN") {
                guard open == nil else { throw KeySetReader.Fault("has a block that does not end") }
                open = (label, [line])
            } else if open != nil {
                open?.lines.append(line)
                guard let label = label(of: line, "END") else { continue }
                guard let block = open, block.label == label else { throw KeySetReader.Fault("has a block that does not end") }
                blocks.append(PEMBlock(label: label, text: block.lines.joined(separator: "\n") + "\n"))
                open = nil
            }
        }
        guard open == nil else { throw KeySetReader.Fault("has a block that does not end") }
        guard !blocks.isEmpty else { throw KeySetReader.Fault("has no PEM block") }
        return blocks
    }

    private static func trimmed(_ line: Substring) -> String {
        var line = line.drop(while: \.isWhitespace)
        while line.last?.isWhitespace == true { line.removeLast() }
        return String(line)
    }

    private static func label(of line: String, _ word: String) -> String? {
        let (first, last) = ("-----\(word) ", "-----")
        guard line.hasPrefix(first), line.hasSuffix(last), line.utf8.count > first.utf8.count + last.utf8.count else {
            return nil
        }
        return String(line.dropFirst(first.count).dropLast(last.count))
    }
}
