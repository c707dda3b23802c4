/// A list of names and values, one a line, the values aligned: what `status` and `model show` print.
package struct Facts {
    private var lines: [(name: String, value: String)] = []

    package init() {}

    /// Adds a line; nil adds none.
    package mutating func add(_ name: String, _ value: String?) {
        guard let value else { return }
        lines.append((name, value.printable))
    }

    /// The lines as text, each indented by `indent` spaces.
    package func rendered(indent: Int = 0) -> String {
        let width = lines.reduce(0) { max($0, $1.name.count) } + 2
        return lines.reduce(into: "") { text, line in
            let padding = String(repeating: " ", count: width - line.name.count)
            text += String(repeating: " ", count: indent) + line.name + padding + line.value + "\n"
        }
    }
}
