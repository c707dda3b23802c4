/// What `detach` removed, and what it could not.
package struct RemovalReport: Hashable, Sendable, Codable {
    /// The agent that detached and exited; nil: none ran.
    package var agent: Int32?
    package var removed: [String] = []
    package var failed: [String] = []

    package init() {}

    package var text: String {
        guard agent != nil || !removed.isEmpty || !failed.isEmpty else { return "nothing to detach\n" }
        let farewell = agent.map { "the agent, pid \($0), detached and exited\n" } ?? ""
        return farewell + removed.map { "removed \($0.printable)\n" }.joined()
    }
}
