/// Rows in aligned columns, with the headers in upper case.
package struct Table {
    package enum Alignment: Sendable { case left, right }

    package struct Column: Sendable {
        package var header: String
        package var alignment: Alignment
        /// May be cut in the middle when the table is wider than the terminal.
        package var shrinks: Bool

        package init(_ header: String, _ alignment: Alignment = .left, shrinks: Bool = false) {
            self.header = header.uppercased()
            self.alignment = alignment
            self.shrinks = shrinks
        }
    }

    private let columns: [Column]
    private var rows: [[String]] = []

    package init(_ columns: [Column]) { self.columns = columns }

    /// Adds a row; empty cells are shown as a dash, missing ones likewise, superfluous ones are dropped.
    package mutating func add(_ cells: [String]) {
        rows.append(
            columns.indices.map { index in
                index < cells.count && !cells[index].isEmpty ? cells[index].printable : Units.absent
            })
    }

    /// The table as text, a newline behind each line.
    ///
    /// - Parameter width: of the terminal, in characters; nil: nothing is cut.
    package func rendered(width: Int?) -> String {
        let widths = fitted(natural, to: width)
        let header = line(columns.map(\.header), widths)
        return rows.reduce(into: header) { text, row in text += line(row, widths) }
    }

    private static let gap = 2
    /// A shrinking column keeps at least this many characters.
    private static let narrowest = 12

    private var natural: [Int] {
        columns.indices.map { index in rows.reduce(columns[index].header.count) { max($0, $1[index].count) } }
    }

    /// Takes what is too much from the widest shrinking column first.
    private func fitted(_ natural: [Int], to width: Int?) -> [Int] {
        guard let width else { return natural }
        var widths = natural
        var excess = widths.reduce(0, +) + Self.gap * (columns.count - 1) - width
        while excess > 0 {
            let candidates = columns.indices.filter { columns[$0].shrinks && widths[$0] > Self.narrowest }
            guard let widest = candidates.max(by: { widths[$0] < widths[$1] }) else { break }
            widths[widest] -= 1
            excess -= 1
        }
        return widths
    }

    private func line(_ cells: [String], _ widths: [Int]) -> String {
        let padded = columns.indices.map { index in
            let cell = Self.shortened(cells[index], to: widths[index])
            let padding = String(repeating: " ", count: max(0, widths[index] - cell.count))
            return columns[index].alignment == .left ? cell + padding : padding + cell
        }
        var text = padded.joined(separator: String(repeating: " ", count: Self.gap))
        while text.last == " " { text.removeLast() }
        return text + "\n"
    }

    /// The text with its middle cut out, if it is too long: both ends of a path say more than its middle.
    static func shortened(_ text: String, to width: Int) -> String {
        guard text.count > width, width > 0 else { return text }
        let kept = width - 1
        return text.prefix(kept / 2) + "…" + text.suffix(kept - kept / 2)
    }
}
