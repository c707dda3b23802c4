package import Catalog

/// How an endpoint was chosen, or would be.
package struct Decision: Sendable {
    package struct Candidate: Sendable {
        /// Index in the table.
        package var target: Int
        /// What the strategy compared; lower is better. nil: it was dropped before.
        package var score: Double?
        /// What the score means, or why it was dropped.
        package var note: String
        package var isFallback: Bool
    }

    package var kind: Route.Kind
    package var name: String
    package var strategy: Strategy.Kind
    /// `stage: what came of it`, in order.
    package var stages: [String] = []
    package var candidates: [Candidate] = []
    /// Index in `candidates`; nil: nothing can be picked.
    package var chosen: Int?
    package var pick: Pick
}
