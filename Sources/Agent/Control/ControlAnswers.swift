internal import Control

/// Where the answers to control requests come from.
struct ControlAnswers: Sendable {
    var status: @Sendable () async -> StatusReport
    var models: @Sendable () async -> [ModelReport]
    /// By model and client; nil: whatever it is.
    var flows: @Sendable (String?, String?) async throws(AgentError) -> [FlowReport]
    var captures: @Sendable () async -> [CaptureReport]
    var clients: @Sendable () async -> [ClientReport]
    var routing: RoutingAnswers
    var identity: IdentityAnswers
    var sharing: SharingAnswers
    var reload: @Sendable () async -> ReloadReport
    /// Puts a new proxy in the place of the one that serves, for the user with this number.
    var replaceProxy: @Sendable (UInt32?) async throws(AgentError) -> ReplacementReport
    /// Takes the broker out of the node.
    var detach: @Sendable () async throws(AgentError) -> Void
    /// Ends the agent, once the broker has been taken out of the node.
    var leave: @Sendable () -> Void
    let hub: EventHub
}

extension ControlAnswers {
    init(
        _ broker: Broker, _ accounts: AccountKeeper, _ engines: EngineKeeper, hub: EventHub, leave: @escaping @Sendable () -> Void
    ) {
        self.init(
            status: { await broker.status() }, models: { await broker.models() },
            flows: { (model, client) async throws(AgentError) in try await broker.flows(model: model, client: client) },
            captures: { await broker.captures() }, clients: { await broker.clients() }, routing: RoutingAnswers(broker),
            identity: IdentityAnswers(broker, accounts), sharing: SharingAnswers(broker, engines),
            reload: { await broker.reload() },
            replaceProxy: { (uid) async throws(AgentError) in try await broker.replaceProxy(by: uid) },
            detach: { () async throws(AgentError) in try await broker.detach() }, leave: leave, hub: hub)
    }
}
