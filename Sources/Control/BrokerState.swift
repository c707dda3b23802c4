/// What the agent has made on this node beside pins and processes, kept in `<run-dir>/state.json` so that
/// `modelbroker detach` finds it when the agent is gone.
package struct BrokerState: Hashable, Sendable, Codable {
    /// The file's name in the run directory.
    package static let fileName = "state.json"
    /// Beside it: URLs of servers that were drained by hand, one a line.
    package static let drainedFileName = "drained"

    /// Absolute path of the broker's cgroup, with `agent` and `proxy` below it.
    package var brokerCgroup: String
    /// Addresses that the agent added to `lo`, as text without a prefix length.
    package var podAddresses: [String]
    /// Absolute path of the directory with the pins.
    package var pinDirectory: String

    package init(brokerCgroup: String, podAddresses: [String] = [], pinDirectory: String) {
        self.brokerCgroup = brokerCgroup
        self.podAddresses = podAddresses
        self.pinDirectory = pinDirectory
    }
}
