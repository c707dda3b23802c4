internal import Configuration

/// What to say of a model that has no entry.
enum UnknownModel {
    private static let listed = 10

    static func error(_ name: String, among names: [String]) -> CommandError {
        CommandError(text(name, among: names))
    }

    static func text(_ name: String, among names: [String]) -> String {
        let what = "no model \"\(name.printable)\" has an entry in the kernel"
        if let near = NearMiss.nearest(to: name, among: names) { return "\(what); did you mean \"\(near.printable)\"?" }
        guard !names.isEmpty else { return "\(what): none has one" }
        let first = names.sorted().prefix(listed).map(\.printable).joined(separator: ", ")
        return "\(what); there are: \(first)" + (names.count > listed ? " and \(names.count - listed) more" : "")
    }
}
