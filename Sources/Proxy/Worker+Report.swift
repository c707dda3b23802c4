import Control
import Flow

/// Answers to the agent's questions.
extension Worker {
    func report(to collector: ReportCollector) {
        switch collector.query {
        case .statistics:
            var statistics = context.ledger.statistics()
            statistics.openConnections = UInt64(connections.count)
            statistics.auditDropped = context.audit.dropped
            statistics.spans = context.spans.made
            statistics.spansDropped = context.spans.dropped
            collector.add(statistics)
        case .flows:
            var records: [FlowRecord] = []
            records.reserveCapacity(connections.count)
            connections.forEach { records.append(record($0)) }
            collector.add(records)
        case .routing: collector.add(endpointRecords(), routeRecords())
        case .explain(let query): collector.answer(.explanation(Explanation.explain(query, context)))
        case .rotate(let name):
            let turn = rotate(name)
            collector.answer(.rotated(from: turn.from, to: turn.to))
        case .queues: collector.answer(.queues(context.room.records(now: context.now)))
        }
    }

    private func record(_ connection: Connection) -> FlowRecord {
        let flow = connection.flow
        let caller = flow.caller
        return FlowRecord(
            id: connection.number, entrance: caller.entrance, state: connection.ending == .none ? flow.state : .closing,
            pid: caller.pid,
            uid: caller.uid, command: caller.command, cgroup: caller.cgroup, netnsCookie: caller.netnsCookie,
            caller: caller.address, dialled: caller.dialled, rule: caller.rule, client: caller.client, model: flow.model,
            endpoint: flow.endpoint, requests: flow.requests, bytesIn: flow.bytesIn, bytesOut: flow.bytesOut,
            ageMilliseconds: (context.now - min(context.now, connection.accepted)) / 1_000_000)
    }
}
