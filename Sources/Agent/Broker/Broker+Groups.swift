internal import Catalog
internal import Control

/// What people ask about groups and queues.
extension Broker {
    /// What the proxy says of its queues; nil: it does not answer.
    func queueRecords() async -> [QueueRecord]? {
        guard let connection, connection.isOpen, case .queues(let records) = await connection.query(.queues) else { return nil }
        return records
    }

    func queues() async throws(AgentError) -> [QueueReport] {
        guard let records = await queueRecords() else { throw AgentError("the proxy does not answer") }
        return QueueView(whole(catalog)).queues(records)
    }

    /// Without their queues if the proxy does not answer.
    func groups() async -> [GroupReport] { QueueView(whole(catalog)).groups(await queueRecords() ?? []) }
}
