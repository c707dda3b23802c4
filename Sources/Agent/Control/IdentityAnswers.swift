internal import Control

/// Where the answers on clients, their quotas and keys come from.
struct IdentityAnswers: Sendable {
    var quotas: @Sendable (QuotaSelection) async throws(AgentError) -> [QuotaReport]
    /// Here and below, the uid of who wants it.
    var reset: @Sendable (QuotaSelection, UInt32?) async throws(AgentError) -> [QuotaReport]
    var keys: @Sendable () async -> [KeyReport]
    var addKey: @Sendable (KeyRequest) async throws(AgentError) -> KeyReport
    var revokeKey: @Sendable (String, UInt32?) async throws(AgentError) -> KeyReport
}

extension IdentityAnswers {
    init(_ broker: Broker, _ accounts: AccountKeeper) {
        self.init(
            quotas: { (selection) async throws(AgentError) in
                try await broker.check(selection)
                return accounts.quotas(selection)
            },
            reset: { (selection, uid) async throws(AgentError) in
                try await broker.check(selection)
                return try await BackgroundThread.run("quota reset") { () throws(AgentError) in
                    try accounts.reset(selection, by: uid)
                }
            },
            keys: { await broker.keyReports() },
            addKey: { (request) async throws(AgentError) in try await broker.addKey(request) },
            revokeKey: { (id, uid) async throws(AgentError) in try await broker.revokeKey(id, by: uid) })
    }
}
