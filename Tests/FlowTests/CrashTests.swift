import Catalog
import Flow
import Routing
import Testing

/// A server that is started on demand has gone, and the agent has not said so yet.
@Suite struct CrashTests {
    private func running(slots: UInt32 = 2, _ change: (inout Catalog) -> Void = { _ in }) -> WaitingLine {
        let line = WaitingLine(slots: slots) {
            $0.models[0].endpoints[0].isOnDemand = true
            change(&$0)
        }
        line.stand([standing(line)])
        return line
    }

    private func standing(_ line: WaitingLine, ready: Bool = true, load: UInt32? = nil) -> Standing {
        let endpoint = line.catalog.models[0].endpoints[0]
        return Standing(url: endpoint.url, address: endpoint.addresses[0], isReady: ready, load: load, reading: load ?? 0)
    }

    /// A second, in which those that wait say so.
    private func waitOn(_ line: WaitingLine) {
        _ = line.room.wanted([0], now: line.now)
        line.pass(1_000)
        line.fire()
        _ = line.room.wanted([0], now: line.now)
    }

    @Test func requestsWaitUntilItRunsAgain() {
        let line = running()
        let first = line.ask()
        #expect(line.flows[first].connect() == FlowDriver.engine)
        line.flows[first].connectFailed()
        let second = line.ask()
        #expect(line.isQueued(first) && line.isQueued(second) && line.inUse == (0, 0) && line.waiting == 2)
        #expect(line.flows[first].context.wanted == [0])
        line.stand([standing(line, ready: false)])
        #expect(line.deliver().isEmpty && line.isQueued(first))
        line.stand([standing(line)])
        #expect(line.deliver() == [first, second])
        line.answer(first)
        #expect(line.flows[first].takeClient().hasSuffix("ok") && line.inUse == (1, 1))
    }

    /// Who had a slot when the server went is the first to have one again.
    @Test func placesAreKept() {
        let line = running(slots: 1)
        let flows = (0..<3).map { _ in
            line.pass(10)
            return line.ask()
        }
        line.flows[flows[0]].connectFailed()
        #expect(line.waiting == 3)
        line.stand([standing(line, ready: false)])
        line.stand([standing(line)])
        for flow in flows {
            #expect(line.deliver() == [flow])
            line.answer(flow)
        }
        #expect(line.inUse == (0, 0) && line.waiting == 0)
    }

    /// It may listen again: the agent need not have seen anything.
    @Test func itIsTriedAgainIfNothingIsHeard() {
        let line = running()
        let first = line.ask()
        line.flows[first].connectFailed()
        waitOn(line)
        #expect(line.deliver() == [first])
        line.answer(first)
        #expect(line.flows[first].takeClient().hasSuffix("ok"))
    }

    /// What the agent has said before the server went, and says again because of something else, is older than what was found.
    @Test func whatIsToldAgainIsNoNews() {
        let line = running()
        let first = line.ask()
        line.flows[first].connectFailed()
        for load in [1, 2, 3] as [UInt32] {
            line.pass(100)
            line.stand([standing(line, load: load)])
            #expect(line.deliver().isEmpty && line.isQueued(first) && line.isQueued(line.ask()))
        }
    }

    @Test func nobodyComesBackForEver() {
        let line = running()
        let flow = line.ask()
        for _ in 0..<3 {
            line.flows[flow].connectFailed()
            #expect(line.isQueued(flow))
            waitOn(line)
            #expect(line.deliver() == [flow])
        }
        line.flows[flow].connectFailed()
        let answer = line.flows[flow].takeClient()
        #expect(!line.isQueued(flow) && answer.hasPrefix("HTTP/1.1 50"), "\(answer)")
        #expect(line.inUse == (0, 0) && line.waiting == 0)
    }

    /// An attempt from before a reload may put to sleep what nobody is going to start.
    @Test func whatIsNotStartedAnyMoreDoesNotSleepForEver() {
        let line = running()
        let flow = line.ask()
        line.reload { $0.models[0].endpoints[0].isOnDemand = false }
        line.stand([])
        line.flows[flow].connectFailed()
        let late = line.ask()
        #expect(line.isQueued(flow) && line.isQueued(late))
        waitOn(line)
        #expect(line.deliver() == [flow, late])
    }

    @Test func whatIsStartedOnDemandFromNowOnSleepsAtFirst() {
        let line = WaitingLine(slots: 1)
        line.reload { $0.models[0].endpoints[0].isOnDemand = true }
        let flow = line.ask()
        #expect(line.isQueued(flow))
        line.stand([standing(line)])
        #expect(line.deliver() == [flow])
    }

    @Test(arguments: RetryPolicy.Scope.allCases)
    func anotherHasItIfThatIsAllowed(scope: RetryPolicy.Scope) {
        let policy = FlowDriver.policy(RetryPolicy(scope: scope))
        let line = running { catalog in
            catalog.models.append(
                Model(name: "other", endpoints: [FlowDriver.endpoint(FlowDriver.second) { $0.maxInFlight = .fixed(1) }]))
            catalog.pools = [Pool(name: "chat", models: [.init(model: "m"), .init(model: "other")], routing: policy)]
        }
        let flow = line.ask(Text.ask("chat"))
        #expect(line.flows[flow].connect() == FlowDriver.engine)
        _ = line.flows[flow].takeActions()
        line.flows[flow].connectFailed()
        #expect(line.isQueued(flow) == (scope != .any))
        #expect(line.flows[flow].connect() == (scope == .any ? FlowDriver.second : nil))
    }
}
