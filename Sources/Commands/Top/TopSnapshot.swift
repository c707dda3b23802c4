package import Control

/// What the agent said when it was asked.
package struct TopSnapshot: Sendable {
    /// On a clock that only goes forward.
    package var seconds: Double
    package var status: StatusReport
    package var models: [ModelReport] = []
    package var clients: [ClientReport] = []
    package var endpoints: [EndpointReport] = []
    package var groups: [GroupReport] = []
    /// nil: nobody asked for them, or the proxy does not answer.
    package var flows: [FlowReport]?

    package init(seconds: Double, status: StatusReport) {
        self.seconds = seconds
        self.status = status
    }
}

extension TopSnapshot {
    /// Asks all that `top` shows.
    ///
    /// - Parameter flows: there may be very many, so that they are asked for only where they are looked at.
    static func ask(_ client: ControlClient, flows: Bool) throws(ClientError) -> TopSnapshot {
        var snapshot = TopSnapshot(
            seconds: Deadline.seconds, status: try client.ask(.status, for: StatusReport.self))
        snapshot.models = try client.ask(.models, for: [ModelReport].self)
        snapshot.clients = try client.ask(.clients, for: [ClientReport].self)
        snapshot.endpoints = try client.ask(.endpoints, for: [EndpointReport].self)
        snapshot.groups = try client.ask(.groups, for: [GroupReport].self)
        guard flows else { return snapshot }
        do {
            snapshot.flows = try client.ask(.flows(model: nil, client: nil), for: [FlowReport].self)
        } catch .refused {
            // The proxy is away; the agent is there.
        }
        return snapshot
    }
}
