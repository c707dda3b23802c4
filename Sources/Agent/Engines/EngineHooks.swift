internal import Catalog

/// Starting and stopping servers that are not the agent's own processes. All of it blocks.
struct EngineHooks: Sendable {
    var systemctl = Systemctl()
    var call: @Sendable (WebCall) -> Inquiry.Outcome = { call in
        var trust = TLSTrust()
        return call.run(&trust)
    }

    /// For a hook's answer, in nanoseconds.
    private static let timeout: UInt64 = 30_000_000_000
    private static let bodyLimit = 1 << 20

    func start(_ activation: Activation) throws(AgentError) {
        switch activation.method {
        case .exec: break
        case .http(let start, _): try post(start)
        case .unit(let name): try systemctl.run(.start, name, limit: activation.readyTimeout)
        }
    }

    /// Returns whether it is known to have ended.
    func stop(_ activation: Activation) throws(AgentError) -> Bool {
        switch activation.method {
        case .exec: return false
        case .http(_, .some(let stop)):
            try post(stop)
            return false
        case .http(_, nil): return true
        case .unit(let name):
            try systemctl.run(.stop, name, limit: activation.stopTimeout)
            return true
        }
    }

    private func post(_ url: String) throws(AgentError) {
        guard let address = WebAddress(url) else { throw AgentError("\(url) is no URL that can be asked") }
        let outcome = call(WebCall(method: "POST", address: address, timeout: Self.timeout, bodyLimit: Self.bodyLimit))
        switch outcome {
        case .replied(let reply) where (200..<300).contains(reply.status): return
        case .replied(let reply): throw AgentError("\(url): status \(reply.status)")
        case .failed(let reason), .unknown(let reason): throw AgentError("\(url): \(reason)")
        case .connected: throw AgentError("\(url): no answer")
        }
    }
}
