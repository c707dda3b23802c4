import Admission
import Catalog
import Control
import HTTPWire
import Identity
import Routing

/// Where a request would wait.
extension Explanation {
    /// Says in `record` which line the request would stand in; why it may not, if that is so.
    static func wait(
        _ targets: [Int], client: Int, _ query: ExplainQuery, _ record: inout RouteDecision, _ context: FlowContext
    ) -> Refusal? {
        guard let first = targets.first else { return nil }
        let group = context.shares.group(client: client, name: client < 0 ? query.client : "")
        let name = context.routes.name(context.model(ofTarget: first))
        let ask = ticket(targets, group, demand(query, client: client, context), isBatch(query), context)
        switch context.room.forecast(ask, now: context.now) {
        case .waits(let model, let place, let wait):
            let own = targets.first { context.table.target($0).slot == model }
            let line = RouteDecision.Line(
                model: own.map { context.routes.name(context.model(ofTarget: $0)) } ?? name, group: context.shares.name(group),
                place: UInt32(clamping: place), wait: wait.map { $0 / 1_000_000 })
            record.stages.append("queue: place \(line.place) in the line of the group \(line.group) for \(line.model)")
            record.line = line
            return nil
        case .full(let retryAfter): return .queueFull(name, nanoseconds: retryAfter)
        case .hopeless(let retryAfter): return .overloaded(name, nanoseconds: retryAfter)
        case nil: return nil
        }
    }

    private static func ticket(
        _ targets: [Int], _ group: Int, _ demand: Demand, _ isBatch: Bool, _ context: FlowContext
    ) -> TicketAsk {
        let choices = Flow.choices(targets, context)
        let wait = context.shares.queue(group, model: targets.first.map { context.model(ofTarget: $0) } ?? 0).wait
        return TicketAsk(
            owner: .max, group: group, level: isBatch ? .min : context.shares.level(group),
            cost: max(1, demand.prompt + demand.answer), bytes: demand.size, arrival: context.now,
            deadline: context.now + UInt64(max(0, wait)) * 1_000_000, models: Flow.models(choices),
            endpoints: SmallList(choices))
    }

    private static func isBatch(_ query: ExplainQuery) -> Bool {
        query.headers.contains { $0.name == "x-modelbroker-delivery" && $0.value.lowercased() == "batch" }
    }
}
