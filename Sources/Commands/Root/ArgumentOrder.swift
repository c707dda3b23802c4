/// Lets the global options stand before the object too, as in `bpftool -j prog list`.
package enum ArgumentOrder {
    private static let flags: Set = ["-j", "--json", "-p", "--pretty", "-jp", "-pj"]
    private static let options: Set = ["--run-dir", "--pin-dir"]

    /// The arguments with the global options that stand before the object moved behind everything else.
    package static func globalsLast(_ arguments: [String]) -> [String] {
        var globals: [String] = []
        var rest = arguments[...]
        while let first = rest.first {
            if options.contains(first), rest.count > 1 {
                globals += rest.prefix(2)
                rest = rest.dropFirst(2)
            } else if flags.contains(first) || options.contains(where: { first.hasPrefix($0 + "=") }) {
                globals.append(first)
                rest = rest.dropFirst()
            } else {
                break
            }
        }
        // Behind a "--" they would be read as values.
        let end = rest.firstIndex(of: "--") ?? rest.endIndex
        return rest[..<end] + globals + rest[end...]
    }
}
