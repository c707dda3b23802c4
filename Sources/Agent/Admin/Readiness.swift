/// Whether this node's broker does its work, and what is missing if not.
struct Readiness: Hashable, Sendable {
    /// The BPF programs are attached.
    var attached = false
    /// Generation in force in the agent; 0: none yet.
    var generation: UInt64 = 0
    var proxyConnected = false
    /// The newest generation that the proxy has in force.
    var proxyGeneration: UInt64?
    /// Why the proxy turned the newest configuration down.
    var rejection: String?
    /// Listeners that the configuration asks for and nobody serves.
    var deadListeners: [String] = []

    /// Why what is used can't be written down; nil: it can.
    var accountingFault: String?

    /// One sentence, or nil when all is well.
    var obstacle: String? {
        if !attached { return "the BPF programs are not attached" }
        if !proxyConnected { return "the proxy is not connected" }
        // A refused reload leaves the configuration before it in force, so it is no obstacle.
        if proxyGeneration != generation, let rejection { return "the proxy refused its configuration: \(rejection)" }
        guard let proxyGeneration else { return "the proxy has no configuration yet" }
        if proxyGeneration != generation {
            return "the proxy has configuration \(proxyGeneration), the agent \(generation)"
        }
        if !deadListeners.isEmpty { return "nobody listens at \(deadListeners.joined(separator: ", "))" }
        if let accountingFault { return "what is used can't be written down: \(accountingFault)" }
        return nil
    }
}
