internal import Control

/// Where the answers on pools and endpoints come from.
struct RoutingAnswers: Sendable {
    var endpoints: @Sendable () async -> [EndpointReport]
    var pools: @Sendable () async -> [PoolReport]
    var capabilities: @Sendable () async -> [CapabilityReport]
    /// By URL; false: enable it.
    var drain: @Sendable (String, Bool) async throws(AgentError) -> DrainReport
    var rotate: @Sendable (String) async throws(AgentError) -> RotationReport
    var explain: @Sendable (ExplainRequest) async throws(AgentError) -> ExplainReport
}

extension RoutingAnswers {
    init(_ broker: Broker) {
        self.init(
            endpoints: { await broker.endpoints() }, pools: { await broker.pools() },
            capabilities: { await broker.capabilities() },
            drain: { (url, isDrained) async throws(AgentError) in try await broker.drain(url, isDrained) },
            rotate: { (name) async throws(AgentError) in try await broker.rotate(name) },
            explain: { (request) async throws(AgentError) in try await broker.explain(request) })
    }
}
