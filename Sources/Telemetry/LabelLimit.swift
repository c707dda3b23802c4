/// Keeps a label's values from growing without bound: the first `limit` names keep their own, all others share one.
///
/// A name keeps its place once it has one, so that no counter ever seems to run backwards.
package struct LabelLimit: Sendable {
    /// What the names beyond the limit are called.
    package static let other = "other"

    private let limit: Int
    private var admitted: Set<String> = []

    package init(limit: Int) { self.limit = limit }

    /// The label value that stands for a name.
    package mutating func label(for name: String) -> String {
        if admitted.contains(name) { return name }
        guard admitted.count < limit else { return Self.other }
        admitted.insert(name)
        return name
    }
}
