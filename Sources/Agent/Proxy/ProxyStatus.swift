internal import Control

/// How the proxy is doing, as the agent knows it without asking.
struct ProxyStatus: Sendable {
    var state = StatusReport.Proxy.State.stopped
    var pid: Int32?
    var adopted = false
    var restarts: UInt64 = 0
    var lastExit: String?
    /// nil: not connected.
    var connection: ProxyConnection?
}
