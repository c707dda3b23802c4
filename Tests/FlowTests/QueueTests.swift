import Catalog
import Control
import Flow
import Routing
import Testing

/// Requests that wait for a slot.
@Suite struct QueueTests {
    @Test func whoFindsAllSlotsTakenWaitsForOne() {
        let line = WaitingLine(slots: 1)
        let (first, second) = (line.ask(), line.ask())
        #expect(line.flows[first].connect() == FlowDriver.engine)
        #expect(line.isQueued(second) && line.flows[second].flow.state == .queued)
        #expect(line.flows[second].actions.contains(.pauseClient))
        #expect(line.waiting == 1 && line.inUse == (1, 1))
        line.pass(50)
        line.answer(first)
        #expect(line.flows[first].takeClient().hasSuffix("ok"))
        #expect(line.deliver() == [second])
        #expect(line.flows[second].connect() == FlowDriver.engine)
        line.answer(second)
        #expect(line.flows[second].takeClient().hasSuffix("ok"))
        #expect(line.inUse == (0, 0) && line.waiting == 0 && !line.room.isBusy)
    }

    /// A slot that is on its way to one in line is nobody else's.
    @Test func nobodyComesInBetween() {
        let line = WaitingLine(slots: 1)
        let (first, second) = (line.ask(), line.ask())
        line.answer(first)
        let third = line.ask()
        #expect(line.isQueued(third))
        #expect(line.deliver() == [second])
        #expect(line.isQueued(third))
        line.answer(second)
        #expect(line.deliver() == [third])
    }

    @Test func whoLeavesIsGoneAtOnce() {
        let line = WaitingLine(slots: 1)
        let first = line.ask()
        let others = (0..<20).map { _ in line.ask() }
        #expect(line.waiting == 20)
        for index in others.prefix(10) { line.flows[index].hungUp() }
        line.flows[others[10]].failed(.client)
        line.flows[others[11]].abandon()
        #expect(line.waiting == 8)
        line.answer(first)
        #expect(line.deliver() == [others[12]])
        for index in others { line.flows[index].abandon() }
        line.deliver()
        #expect(line.inUse == (0, 0) && line.waiting == 0)
        #expect(line.room.records(now: line.now).first?.left == 19)
    }

    /// A slot that is given to one who has just left goes on to the next.
    @Test func aSlotForOneWhoLeftGoesOn() {
        let line = WaitingLine(slots: 1)
        let (first, second, third) = (line.ask(), line.ask(), line.ask())
        line.answer(first)
        line.flows[second].hungUp()
        #expect(line.deliver() == [third])
        line.answer(third)
        line.deliver()
        #expect(line.inUse == (0, 0))
    }

    @Test func aFullQueueRefuses() {
        let line = WaitingLine(slots: 1, queue: QueuePolicy(length: 2))
        for _ in 0..<3 { line.ask() }
        let late = line.ask()
        let answer = line.flows[late].takeClient()
        #expect(answer.hasPrefix("HTTP/1.1 429 Too Many Requests"))
        #expect(answer.contains("\"code\":\"queue_full\"") && answer.contains("\"type\":\"rate_limit_error\""))
        #expect(answer.contains("Retry-After: ") && answer.contains("retry-after-ms: "))
        #expect(line.inUse == (1, 1))
    }

    @Test func whoHasWaitedForLongEnoughIsTold() {
        let line = WaitingLine(slots: 1, queue: QueuePolicy(wait: 2_500))
        let (first, second) = (line.ask(), line.ask())
        for _ in 0..<3 {
            line.pass(1_000)
            if line.now < line.flows[second].flow.deadline { continue }
            line.flows[second].timeout(at: line.now)
        }
        let answer = line.flows[second].takeClient()
        #expect(answer.hasPrefix("HTTP/1.1 503") && answer.contains("queue_timeout") && answer.contains("Retry-After: "))
        #expect(line.waiting == 0 && !line.isQueued(second))
        line.answer(first)
        #expect(line.deliver().isEmpty && line.inUse == (0, 0))
        #expect(line.room.records(now: line.now).first?.expired == 1)
    }

    @Test func priorityIsStrictAndBatchIsLast() {
        let groups = [
            Group(name: "gold", priority: 10), Group(name: "night", delivery: .batch), Group(name: "low", priority: -5),
        ]
        let clients = ["gold", "night", "low"].map { Client(name: $0, workloads: ["/\($0)"], group: $0) }
        let line = WaitingLine(slots: 1, groups: groups, clients: clients)
        let first = line.ask()
        let batch = Text.post(fields: "x-modelbroker-delivery: batch\r\n")
        let came = [
            line.ask(client: "night"), line.ask(client: "low"), line.ask(), line.ask(client: "gold", batch),
            line.ask(client: "gold"),
        ]
        var order: [Int] = []
        var last = first
        for _ in came {
            line.answer(last)
            let next = line.deliver()
            order += next
            last = next.first ?? last
        }
        #expect(order.prefix(3) == [came[4], came[2], came[1]])
        #expect(Set(order.suffix(2)) == [came[0], came[3]])
        #expect(line.flows[came[4]].actions.contains(.prioritize(.upstream, 6)))
        #expect(line.flows[came[1]].actions.contains(.prioritize(.upstream, 1)))
        #expect(!line.flows[came[3]].takeUpstream().contains("x-modelbroker-delivery"))
    }

    @Test func aRetryWaitsInItsOldPlace() {
        let line = WaitingLine(slots: 1) { catalog in
            catalog.models[0].endpoints.append(FlowDriver.endpoint(FlowDriver.second) { $0.maxInFlight = .fixed(1) })
        }
        let (first, second) = (line.ask(), line.ask())
        line.pass(10)
        let third = line.ask()
        #expect(line.isQueued(third))
        // The first one fails, and the other endpoint is taken: it waits for that one, before who came later.
        line.flows[first].connected()
        line.flows[first].upstream(Text.failure(503))
        #expect(line.isQueued(first))
        #expect(line.deliver() == [third])
        line.pass(10)
        let fourth = line.ask()
        line.answer(second)
        #expect(line.deliver() == [first])
        line.answer(first)
        line.deliver()
        line.answer(third)
        line.deliver()
        line.answer(fourth)
        line.deliver()
        #expect(line.inUse == (0, 0) && line.waiting == 0)
        #expect(line.flows[first].takeClient().hasSuffix("ok"))
    }

    @Test func aRaceTakesAFreeSlotOrDoesNotHappen() {
        let line = WaitingLine(slots: 4) { catalog in
            catalog.models[0].routing.retry.hedges = true
            catalog.models[0].endpoints.append(FlowDriver.endpoint(FlowDriver.second) { $0.maxInFlight = .fixed(1) })
        }
        let racer = line.join()
        for _ in 0..<60 {
            line.flows[racer].client(Text.post())
            line.flows[racer].connected()
            line.pass(10)
            line.flows[racer].upstream(Text.answer)
        }
        func race() -> Bool {
            line.flows[racer].client(Text.post())
            line.flows[racer].connected()
            _ = line.flows[racer].takeActions()
            line.flows[racer].timeout()
            let hedges = line.flows[racer].takeActions().contains(.connectHedge(FlowDriver.second, tls: 0))
            line.flows[racer].upstream(Text.answer)
            return hedges
        }
        #expect(race())
        #expect(line.inUse == (0, 0))
        #expect(line.shared.take(1, 0))
        #expect(!race())
        #expect(!line.shared.release(1, 0))
        #expect(line.inUse == (0, 0))
    }

    @Test func aReloadKeepsThePlaceInLine() {
        let line = WaitingLine(slots: 1)
        let first = line.ask()
        line.pass(10)
        let second = line.ask()
        line.pass(10)
        let third = line.ask()
        line.reload { $0.models.insert(Model(name: "a", endpoints: [FlowDriver.endpoint(FlowDriver.third)]), at: 0) }
        #expect(line.isQueued(second) && line.isQueued(third) && line.waiting == 2)
        line.answer(first)
        #expect(line.deliver() == [second])
        // More slots: who waits has them at once. None at all: nobody has to wait.
        line.reload { $0.models[1].endpoints[0].maxInFlight = .fixed(2) }
        #expect(line.flows[third].connect() != nil || line.deliver() == [third])
        let fourth = line.ask()
        #expect(line.isQueued(fourth))
        line.reload { $0.models[1].endpoints[0].maxInFlight = nil }
        line.deliver()
        #expect(!line.isQueued(fourth))
        for index in [second, third, fourth] { line.answer(index) }
        line.deliver()
        #expect(line.inUse == (0, 0) && line.waiting == 0)
    }

    @Test func aModelThatIsGoneIsWaitedForNoMore() {
        let line = WaitingLine(slots: 1)
        let (first, second) = (line.ask(), line.ask())
        line.reload { $0.models[0].name = "other" }
        line.deliver()
        #expect(!line.isQueued(second))
        line.answer(first)
        line.deliver()
        #expect(line.inUse.endpoints == 0 && line.waiting == 0)
    }

    @Test func theModelsOwnLimitHoldsForAllItsEndpoints() {
        let line = WaitingLine(slots: 3) { catalog in
            catalog.models[0].maxInFlight = 4
            catalog.models[0].endpoints.append(FlowDriver.endpoint(FlowDriver.second))
        }
        let flows = (0..<6).map { _ in line.ask() }
        #expect(flows.filter { line.isQueued($0) }.count == 2)
        #expect(line.inUse == (4, 4))
        for index in flows { line.flows[index].abandon() }
        line.deliver()
        #expect(line.inUse == (0, 0))
    }

    @Test func aSharePartIsKeptForItsGroup() {
        let groups = [Group(name: "own", weight: 1, isReclaimable: false)]
        let line = WaitingLine(slots: 4, groups: groups, clients: [Client(name: "c", workloads: ["/c"], group: "own")])
        let others = (0..<5).map { _ in line.ask() }
        #expect(others.filter { line.isQueued($0) }.count == 3)
        let mine = (0..<2).map { _ in line.ask(client: "c") }
        #expect(mine.allSatisfy { !line.isQueued($0) })
        for index in others + mine { line.flows[index].abandon() }
        line.deliver()
        #expect(line.inUse == (0, 0) && line.waiting == 0)
    }
}
