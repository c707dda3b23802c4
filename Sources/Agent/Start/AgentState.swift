internal import Control
internal import ControlCoding

/// What an agent leaves in `<run-dir>/state.json` for the one after it, and for `modelbroker detach` when no agent is
/// there. A superset of `BrokerState`, which the CLI reads.
struct AgentState: Hashable, Sendable, Codable {
    var agentPid: Int32
    var proxyPid: Int32?
    var brokerCgroup: String
    var pinDirectory: String
    /// Addresses that an agent added to `lo` and that are to be removed with the broker.
    var podAddresses: [String]

    /// nil when there is none, or none that can be read.
    static func read(_ path: String) -> AgentState? {
        guard let bytes = try? File.read(path) else { return nil }
        return try? ControlLine.decode(AgentState.self, from: bytes)
    }

    func write(_ path: String) throws(AgentError) {
        do {
            try File.replace(path, with: try ControlLine.encode(self), mode: 0o600)
        } catch {
            throw AgentError("\(error)")
        }
    }
}
