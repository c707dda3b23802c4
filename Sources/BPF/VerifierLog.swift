/// The last lines worth reading of what libbpf and the verifier said.
package struct VerifierLog: Hashable, Sendable {
    package let lines: [String]
    /// How many lines before (and between) these were left out.
    package let omitted: Int

    /// Lines that frame a log or count the verifier's work, but explain nothing.
    private static let frames = [
        "-- BEGIN PROG LOAD LOG --", "-- END PROG LOAD LOG --", "processed ", "verification time ", "stack depth ",
        "libbpf: failed to load object",
    ]

    /// Keeps the last `keeping` lines that are neither blank nor frame.
    package init(text: String, keeping: Int = 12) {
        let all = text.split(separator: "\n", omittingEmptySubsequences: false).map(Self.trimmed)
        let written = all.filter { !$0.isEmpty }
        let useful = written.filter { line in !Self.frames.contains { Self.isFrame(line, $0) } }
        self.lines = Array(useful.suffix(max(0, keeping)))
        self.omitted = written.count - lines.count
    }

    private static func isFrame(_ line: String, _ frame: String) -> Bool {
        frame.hasPrefix("--") ? line.contains(frame) : line.hasPrefix(frame)
    }

    /// Without trailing blanks and control characters (a log is the kernel's, but ends on a terminal).
    private static func trimmed(_ line: Substring) -> String {
        var scalars = line.unicodeScalars.filter { $0 == "\t" || ($0.value >= 0x20 && $0.value != 0x7f) }
        while let last = scalars.last, last == " " || last == "\t" { scalars.removeLast() }
        return String(String.UnicodeScalarView(scalars))
    }
}
