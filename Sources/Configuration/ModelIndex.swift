import Catalog

/// The models and pools of a configuration, for the sections that name them.
struct ModelIndex {
    /// With more models nobody is asked what he may have meant: the search would take longer than the reading.
    private static let maximumGuesses = 100

    private let models: [String: Model]
    private let pools: Set<String>

    init(_ models: [Model], pools: some Sequence<String> = []) {
        self.models = Dictionary(models.map { ($0.name, $0) }) { first, _ in first }
        self.pools = Set(pools)
    }

    subscript(name: String) -> Model? { models[name] }

    func isPool(_ name: String) -> Bool { pools.contains(name) }

    /// The name of a model of this configuration.
    func name(_ text: String) throws(Refusal) -> String {
        if models[text] != nil { return text }
        if pools.contains(text) { throw Refusal("is a pool; a model is needed here") }
        throw unknown(text, among: Array(models.keys), "is not under models")
    }

    /// The name of a model or pool of this configuration.
    func callable(_ text: String) throws(Refusal) -> String {
        if models[text] != nil || pools.contains(text) { return text }
        let place = pools.isEmpty ? "is not under models" : "is neither under models nor under pools"
        throw unknown(text, among: Array(models.keys) + Array(pools), place)
    }

    private func unknown(_ text: String, among names: [String], _ reason: String) -> Refusal {
        guard !text.contains(where: { "*?[".contains($0) }) else {
            return Refusal("is a pattern, which is not supported by this version; write the names of models")
        }
        let near = names.count <= Self.maximumGuesses ? NearMiss.nearest(to: text, among: names.sorted()) : nil
        return Refusal(reason + (near.map { "; did you mean \(printable($0))?" } ?? ""))
    }
}
