package import Control

/// What only a running agent knows of the models and clients that the pinned maps have by number.
package struct AgentFacts: Hashable, Sendable {
    /// By number.
    package var clients: [UInt32: String] = [:]
    /// By name.
    package var models: [String: ModelReport] = [:]

    package init() {}

    package init(clients: [ClientReport], models: [ModelReport]) {
        self.clients = Dictionary(clients.map { ($0.number, $0.name) }) { first, _ in first }
        self.models = Dictionary(models.map { ($0.name, $0) }) { first, _ in first }
    }

    /// Asks the agent; nothing is known when none runs, which is no fault.
    package init(asking client: ControlClient) {
        do {
            self.init(
                clients: try client.ask(.clients, for: [ClientReport].self),
                models: try client.ask(.models, for: [ModelReport].self))
        } catch ClientError.notRunning {
            self.init()
        } catch {
            Terminal.complain("\(error); showing what the pinned maps hold")
            self.init()
        }
    }
}

extension DirectMeterReport {
    /// With the name of the client.
    package func named(by facts: AgentFacts) -> DirectMeterReport {
        var report = self
        report.name = facts.clients[client]
        return report
    }
}

extension QoSReport {
    /// With the names of clients, and what the proxy counted.
    package func named(by facts: AgentFacts) -> QoSReport {
        var report = self
        for index in report.refusals.indices { report.refusals[index].name = facts.clients[report.refusals[index].client] }
        report.bytes.proxied = facts.models[model].map { .init(sent: $0.bytesIn, received: $0.bytesOut) }
        return report
    }
}
