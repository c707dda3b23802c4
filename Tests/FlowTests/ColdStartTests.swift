import Catalog
import Control
import Flow
import Routing
import Testing

/// Requests that wait for a server to be started, and what streams get meanwhile.
@Suite struct ColdStartTests {
    private func sleeping(_ queue: QueuePolicy = QueuePolicy()) -> WaitingLine {
        WaitingLine(slots: 2, queue: queue) { $0.models[0].endpoints[0].isOnDemand = true }
    }

    private func standing(_ line: WaitingLine, ready: Bool, retryAt: UInt64 = 0) -> Standing {
        let endpoint = line.catalog.models[0].endpoints[0]
        return Standing(url: endpoint.url, address: endpoint.addresses[0], isReady: ready, retryAt: retryAt)
    }

    @Test func requestsWaitUntilItRuns() {
        let line = sleeping()
        let flows = (0..<3).map { _ in line.ask() }
        #expect(flows.allSatisfy { line.isQueued($0) })
        #expect(flows.allSatisfy { line.flows[$0].context.wanted == [0] })
        #expect(line.room.wanted([0], now: line.now) == [0] && line.room.wanted([0], now: line.now).isEmpty)
        line.pass(1_000)
        line.fire()
        #expect(flows.allSatisfy { line.isQueued($0) } && line.room.wanted([0], now: line.now) == [0])
        line.stand([standing(line, ready: true)])
        #expect(line.deliver() == Array(flows.prefix(2)))
        line.answer(flows[0])
        line.deliver()
        // It stops: what is under way ends, and nothing new comes to it.
        line.stand([standing(line, ready: false)])
        let late = line.ask()
        line.answer(flows[1])
        line.answer(flows[2])
        #expect(line.deliver().isEmpty && line.isQueued(late) && line.inUse == (0, 0))
    }

    @Test func oneThatFailedIsSaidToBeLoading() {
        let line = sleeping()
        let first = line.ask()
        line.stand([standing(line, ready: false, retryAt: 5_000)])
        let answer = line.flows[first].takeClient()
        #expect(answer.hasPrefix("HTTP/1.1 503") && answer.contains("model_loading") && answer.contains("Retry-After: 4\r\n"))
        let second = line.ask()
        #expect(!line.isQueued(second) && line.flows[second].takeClient().contains("model_loading"))
        line.pass(5_000)
        // Its time is over: it may be wanted again.
        #expect(line.isQueued(line.ask()))
    }

    @Test func oneThatDoesNotGetReadyIsSaidToBeLoading() {
        let line = sleeping(QueuePolicy(wait: 500))
        let first = line.ask()
        line.pass(500)
        line.fire()
        #expect(line.flows[first].takeClient().contains("model_loading") && line.waiting == 0)
    }

    // MARK: - Comments

    private let stream = Text.post(#"{"stream":true,"messages":[],"model":"m"}"#)

    private func commented(_ line: WaitingLine) -> Int {
        let flow = line.ask(stream)
        #expect(line.flows[flow].takeClient().isEmpty)
        line.pass(300)
        line.fire()
        let head = line.flows[flow].takeClient()
        #expect(head.hasPrefix("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"))
        #expect(head.hasSuffix("\r\n\r\nb\r\n: loading\n\n\r\n"))
        return flow
    }

    @Test func aStreamGetsCommentsAndThenItsAnswer() {
        let line = sleeping(QueuePolicy(comments: 300))
        let flow = commented(line)
        line.pass(300)
        line.fire()
        #expect(line.flows[flow].takeClient() == "b\r\n: loading\n\n\r\n")
        line.stand([standing(line, ready: true)])
        line.deliver()
        line.answer(flow, Text.streamHead + Text.chunk("data: 1\n\n") + "0\r\n\r\n")
        #expect(line.flows[flow].takeClient() == Text.chunk("data: 1\n\n") + "0\r\n\r\n")
        // The connection goes on as it was.
        line.flows[flow].client(Text.post())
        line.answer(flow)
        #expect(line.flows[flow].takeClient().hasPrefix("HTTP/1.1 200 OK\r\nContent-Length: 2"))
    }

    @Test func anAnswerWithoutChunksGetsThem() {
        let line = sleeping(QueuePolicy(comments: 300))
        let flow = commented(line)
        line.stand([standing(line, ready: true)])
        line.deliver()
        line.answer(flow, "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nContent-Length: 9\r\n\r\ndata: 1\n\n")
        #expect(line.flows[flow].takeClient() == Text.chunk("data: 1\n\n") + "0\r\n\r\n")
    }

    @Test(arguments: [Text.failure(500), Text.answer])
    func whatIsNoStreamBreaksIt(_ answer: String) {
        let line = sleeping(QueuePolicy(comments: 300))
        line.reload { $0.models[0].routing = FlowDriver.once }
        let flow = commented(line)
        line.stand([standing(line, ready: true)])
        line.deliver()
        line.answer(flow, answer)
        let end = line.flows[flow].takeClient()
        #expect(end.contains("data: {\"error\":") && end.hasSuffix("\r\n") && !end.contains("HTTP/1.1"))
        #expect(line.flows[flow].takeActions().contains(.abort(.client)))
        #expect(line.inUse == (0, 0))
    }

    @Test func aRefusalBreaksIt() {
        let line = sleeping(QueuePolicy(wait: 1_000, comments: 300))
        let flow = commented(line)
        line.pass(700)
        line.fire()
        let end = line.flows[flow].takeClient()
        #expect(end.contains("model_loading") && !end.contains("HTTP/1.1"))
        #expect(line.flows[flow].takeActions().contains(.abort(.client)) && line.waiting == 0)
    }
}
