import Catalog
import Control
import HTTPWire
import Routing
import Telemetry

/// The race of two endpoints for one request.
extension Flow {
    /// The second connection is there; `reused` if it was kept alive.
    package mutating func hedgeConnected(reused: Bool, _ context: inout FlowContext, _ out: inout FlowOutput) {
        out.add(.releaseHedge)
    }

    /// The second connection can't be had.
    package mutating func hedgeFailed(_ reason: String, _ context: inout FlowContext, _ out: inout FlowOutput) {}

    mutating func hedgeReceived(_ bytes: Span<UInt8>, _ context: inout FlowContext, _ out: inout FlowOutput) {}

    /// The second connection has ended, or broke.
    mutating func hedgeEnded(_ context: inout FlowContext, _ out: inout FlowOutput) {
        out.add(.releaseHedge)
    }
}
