internal import Control

/// Where the answers on pools and endpoints come from.
struct RoutingAnswers: Sendable {
    var endpoints: @Sendable () async -> [EndpointReport]
    var pools: @Sendable () async -> [PoolReport]
    var capabilities: @Sendable () async -> [CapabilityReport]
    /// By URL; false: enable it. Here and below, the uid of who wants it.
    var drain: @Sendable (String, Bool, UInt32?) async throws(AgentError) -> DrainReport
    var rotate: @Sendable (String, UInt32?) async throws(AgentError) -> RotationReport
    var explain: @Sendable (ExplainRequest) async throws(AgentError) -> ExplainReport
}

extension RoutingAnswers {
    init(_ broker: Broker) {
        self.init(
            endpoints: { await broker.endpoints() }, pools: { await broker.pools() },
            capabilities: { await broker.capabilities() },
            drain: { (url, isDrained, uid) async throws(AgentError) in try await broker.drain(url, isDrained, by: uid) },
            rotate: { (name, uid) async throws(AgentError) in try await broker.rotate(name, by: uid) },
            explain: { (request) async throws(AgentError) in try await broker.explain(request) })
    }
}
