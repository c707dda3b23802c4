import Catalog

/// `capabilities`: nodes beside those that are built into the tree.
enum CapabilitiesSection {
    static func read(_ field: Field, _ reading: Reading) -> [String] {
        let builtIn = CapabilityTree()
        let paths = reading.values(field, NameText.capability)
        guard paths.count <= Limits.capabilities else {
            reading.fault(field, "has \(paths.count) capabilities; at most \(Limits.capabilities) are possible")
            return []
        }
        var seen: [String: Field] = [:]
        var custom: [String] = []
        for path in paths {
            if let first = seen[path.value] {
                reading.fault(path.field, "\(path.shown) is given twice; the first is on line \(first.line)")
            } else if let known = CapabilityTree.aliases[path.value] {
                reading.fault(path.field, "\(path.shown) is built in already, as another name for \(known)")
            } else if builtIn.paths.contains(path.value) {
                reading.fault(path.field, "\(path.shown) is built in already")
            } else {
                custom.append(path.value)
            }
            seen[path.value] = seen[path.value] ?? path.field
        }
        return custom
    }
}

/// The capability tree of a configuration, for the sections that name its nodes.
final class CapabilityIndex {
    private let tree: CapabilityTree
    /// Paths, aliases and last parts: what may have been meant.
    private let names: [String]
    /// How often it is still looked for what may have been meant: the search takes longer than the reading.
    private var guesses = 100

    init(_ custom: [String]) {
        tree = CapabilityTree(custom: custom)
        let lasts = tree.paths.compactMap { $0.split(separator: ".").last.map(String.init) }
        names = Array(Set(tree.paths + CapabilityTree.aliases.keys + lasts)).sorted()
    }

    /// The full path that a path, an alias or the last part of one path means.
    func path(_ text: String) throws(Refusal) -> String {
        if let path = tree.path(text) { return path }
        let several = tree.paths.filter { $0.hasSuffix("." + text) }
        guard several.isEmpty else { throw Refusal("means several capabilities: \(several.prefix(4).joined(separator: ", "))") }
        guesses -= 1
        if guesses >= 0, let near = NearMiss.nearest(to: text, among: names) {
            throw Refusal("is not a capability; did you mean \(near)?")
        }
        throw Refusal(
            "is not a capability; `modelbroker capability list` has all that are built in, others go under capabilities")
    }

    /// The full path that a path or an alias means; nil: it is neither.
    func known(_ text: String) -> String? { tree.path(text) }

    /// Refuses a name for a model or a pool that a capability has: a path, or an alias.
    func checkFree(_ name: String) throws(Refusal) {
        guard let path = tree.path(name), path == name || CapabilityTree.aliases[name] != nil else { return }
        throw Refusal("is the name of a capability" + (path == name ? "" : ", \(path)") + "; requests could mean either")
    }
}
