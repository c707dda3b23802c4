internal import Control

/// How the proxy is doing, as the agent knows it without asking.
struct ProxyStatus: Sendable {
    /// One that has been replaced and drains.
    struct Draining: Sendable {
        var pid: Int32
        /// Until it ends at the latest.
        var left: Duration
        /// nil: not connected.
        var connection: ProxyConnection?
    }

    var state = StatusReport.Proxy.State.stopped
    var pid: Int32?
    var adopted = false
    var restarts: UInt64 = 0
    var lastExit: String?
    /// nil: not connected.
    var connection: ProxyConnection?
    /// The oldest first.
    var draining: [Draining] = []
    /// Changes whenever one begins or ends to drain.
    var drainCount: UInt64 = 0
    var lastReplacement: ReplacementReport?
}
