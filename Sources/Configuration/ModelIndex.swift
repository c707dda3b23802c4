import Catalog

/// The models of a configuration, for the sections that name them.
struct ModelIndex {
    /// With more models nobody is asked what he may have meant: the search would take longer than the reading.
    private static let maximumGuesses = 100

    private let models: [String: Model]

    init(_ models: [Model]) {
        self.models = Dictionary(models.map { ($0.name, $0) }) { first, _ in first }
    }

    subscript(name: String) -> Model? { models[name] }

    /// The name of a model of this configuration.
    func name(_ text: String) throws(Refusal) -> String {
        if models[text] != nil { return text }
        guard !text.contains(where: { "*?[".contains($0) }) else {
            throw Refusal("is a pattern, which is not supported by this version; write the names of models")
        }
        let near = models.count <= Self.maximumGuesses ? NearMiss.nearest(to: text, among: models.keys.sorted()) : nil
        throw Refusal("is not under models" + (near.map { "; did you mean \(printable($0))?" } ?? ""))
    }
}
