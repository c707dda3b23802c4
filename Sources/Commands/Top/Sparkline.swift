/// Numbers as a line of blocks, eight heights high.
package enum Sparkline {
    private static let blocks: [Character] = [" ", "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"]

    /// A character for each of the last `width` values; the largest of them is a whole block, and only zero is none.
    package static func text(_ values: [Double], width: Int = .max) -> String {
        rows(values, width: width, height: 1)[0]
    }

    /// The same over several lines, the uppermost first.
    package static func rows(_ values: [Double], width: Int, height: Int) -> [String] {
        let shown = values.suffix(max(0, width)).map { $0.isFinite ? max(0, $0) : 0 }
        let most = shown.max() ?? 0
        return (0..<max(1, height)).reversed().map { row in
            String(shown.map { block(most > 0 ? $0 / most * Double(max(1, height)) : 0, row) })
        }
    }

    /// - Parameter level: in lines, from the bottom.
    private static func block(_ level: Double, _ row: Int) -> Character {
        let part = min(1, max(0, level - Double(row)))
        let step = Int((part * 8).rounded())
        return blocks[level > 0 && row == 0 ? max(1, step) : step]
    }
}
