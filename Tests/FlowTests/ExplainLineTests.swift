import Catalog
import Control
import Flow
import Testing

/// Where a request would wait, as it is explained.
@Suite struct ExplainLineTests {
    private func line(_ length: UInt32 = 2, _ change: (inout Catalog) -> Void = { _ in }) -> WaitingLine {
        WaitingLine(
            slots: 1, queue: QueuePolicy(length: length),
            groups: [Group(name: "gold", priority: 10, queue: QueuePolicy(length: 3)), Group(name: "night", delivery: .batch)],
            clients: ["gold", "night"].map { Client(name: $0, workloads: ["/\($0)"], group: $0) }, change)
    }

    private func explain(_ line: WaitingLine, _ client: String = "", _ headers: [ExplainHeader] = []) -> RouteDecision {
        let query = ExplainQuery(model: "m", client: client, headers: headers, user: "", prompt: "")
        var context = line.flows[line.join()].context
        context.now = line.now
        return Explanation.explain(query, context)
    }

    @Test func whereASlotIsFreeNobodyWaits() {
        let decision = explain(line())
        #expect(decision.line == nil && decision.chosen == 0 && decision.status == 0)
    }

    @Test func theLineAndThePlaceAreSaid() {
        let line = line()
        line.ask()
        #expect(explain(line).line == .init(model: "m", group: "default", place: 1))
        line.ask()
        line.ask(client: "gold")
        let decision = explain(line, "gold")
        #expect(decision.line == .init(model: "m", group: "gold", place: 2))
        #expect(decision.chosen == nil && decision.status == 0 && decision.refusal.isEmpty)
        #expect(decision.stages.contains("queue: place 2 in the line of the group gold for m"))
        #expect(explain(line, "night").line?.place == 1 && explain(line).line?.place == 2)
        // Nothing has come of it.
        #expect(line.waiting == 2 && explain(line, "gold").line?.place == 2)
    }

    /// It stands behind those of its group that are not batch, and is not in their line.
    @Test func whatIsSentAsBatchStandsApart() {
        let line = line()
        line.ask()
        line.ask(client: "gold")
        let batch = [ExplainHeader(name: "x-modelbroker-delivery", value: "Batch")]
        #expect(explain(line, "gold", batch).line == .init(model: "m", group: "gold", place: 1))
    }

    @Test func aFullLineRefuses() {
        let line = line(1)
        line.ask()
        line.ask()
        let decision = explain(line)
        #expect(decision.status == 429 && decision.line == nil && decision.refusal.hasPrefix("As many requests wait"))
        // That group has a line of its own; and here the urgent displace the others.
        #expect(explain(line, "gold").line?.place == 1)
        let last = line.ask()
        #expect(line.flows[last].takeClient().hasPrefix("HTTP/1.1 429"))
    }

    @Test func aServerThatSleepsIsWaitedFor() {
        let line = line { $0.models[0].endpoints[0].isOnDemand = true }
        #expect(explain(line, "gold").line == .init(model: "m", group: "gold", place: 1))
    }

    @Test func whoMayNotCallItDoesNotWait() {
        let line = line { catalog in catalog.clients[0].allow = [] }
        line.ask()
        let decision = explain(line, "gold")
        #expect(decision.status == 403 && decision.line == nil)
    }
}
