internal import Control

/// Where the answers on groups, queues and servers on demand come from.
struct SharingAnswers: Sendable {
    var groups: @Sendable () async -> [GroupReport]
    var queues: @Sendable () async throws(AgentError) -> [QueueReport]
    /// By URL. Here and below, the uid of who wants it.
    var startEngine: @Sendable (String, UInt32?) async throws(AgentError) -> EngineReport
    var stopEngine: @Sendable (String, UInt32?) async throws(AgentError) -> EngineReport
    /// By URL or model, with the number of lines.
    var engineLog: @Sendable (String, Int) async throws(AgentError) -> EngineLog
}

extension SharingAnswers {
    init(_ broker: Broker, _ engines: EngineKeeper) {
        self.init(
            groups: { await broker.groups() },
            queues: { () async throws(AgentError) in try await broker.queues() },
            startEngine: { (url, uid) async throws(AgentError) in
                try await BackgroundThread.run("engine start") { () throws(AgentError) in try engines.start(url, by: uid) }
            },
            stopEngine: { (url, uid) async throws(AgentError) in
                try await BackgroundThread.run("engine stop") { () throws(AgentError) in try engines.stop(url, by: uid) }
            },
            engineLog: { (name, last) async throws(AgentError) in
                try await BackgroundThread.run("engine log") { () throws(AgentError) in try engines.log(name, last: last) }
            })
    }
}
