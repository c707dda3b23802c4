/// What `detach` removed, and what it could not.
package struct RemovalReport: Hashable, Sendable, Codable {
    package var removed: [String] = []
    package var failed: [String] = []

    package init() {}

    package var text: String {
        guard !removed.isEmpty || !failed.isEmpty else { return "nothing to detach\n" }
        return removed.map { "removed \($0.printable)\n" }.joined()
    }
}
