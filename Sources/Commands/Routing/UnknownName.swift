internal import Configuration

/// What to say of a name that nothing has.
enum UnknownName {
    /// - Parameter what: is looked for: `an endpoint of a model`.
    static func error(_ what: String, _ name: String, among names: [String]) -> CommandError {
        let text = "there is not \(what) \"\(name.printable)\""
        let near = NearMiss.nearest(to: name, among: Array(Set(names)).sorted())
        return CommandError(text + (near.map { "; did you mean \"\($0.printable)\"?" } ?? ""))
    }
}
