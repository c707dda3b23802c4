/// The names that a section of the configuration defines, for the sections that refer to them.
struct NameList {
    /// With more names nobody is asked what he may have meant: the search would take longer than the reading.
    private static let maximumGuesses = 100

    private let names: Set<String>
    private let section: String

    /// - Parameter section: its key: `clients`.
    init(_ names: some Sequence<String>, of section: String) {
        self.names = Set(names)
        self.section = section
    }

    /// One of the names.
    func name(_ text: String) throws(Refusal) -> String {
        if names.contains(text) { return text }
        let near = names.count <= Self.maximumGuesses ? NearMiss.nearest(to: text, among: names.sorted()) : nil
        throw Refusal("is not under \(section)" + (near.map { "; did you mean \(printable($0))?" } ?? ""))
    }
}
