import Admission
import Catalog
import Control
import Flow
import Telemetry
import Testing

/// What a request takes of its model's tokens in the end, however it ends. Each reserves 119: 19 of prompt, 100 of answer.
@Suite struct SettleTests {
    static func start(_ memory: QoSMemory, _ body: String = Text.prompt) -> FlowDriver {
        var driver = FlowDriver(memory, .thousandTokens)
        driver.client(Text.post(body))
        #expect(memory.counts(FlowDriver.slot, .tokens).admitted > 0)
        return driver
    }

    static func charged(_ memory: QoSMemory, _ driver: FlowDriver) -> UInt64 {
        let counts = memory.counts(FlowDriver.slot, .tokens)
        // One token is 10 ms, and none were paid off while a test's clock stood still.
        #expect(memory.debt(FlowDriver.slot, .tokens, now: 1_000_000_000) == counts.admitted * 10_000_000)
        #expect(driver.counters?.counters.active == 0, "the books are open")
        return counts.admitted
    }

    @Test func theAnswersUsageTakesTheEstimatesPlace() {
        let memory = QoSMemory()
        var driver = Self.start(memory)
        #expect(memory.counts(FlowDriver.slot, .tokens).admitted == 119)
        driver.connected()
        driver.upstream(Text.json(#"{"usage":{"prompt_tokens":30,"completion_tokens":500}}"#))
        #expect(Self.charged(memory, driver) == 530)
    }

    @Test func aRequestWithoutALimitOfItsOwnReserves256() {
        let memory = QoSMemory()
        let driver = Self.start(memory, #"{"model":"m","prompt":"0123456789012345678901234567890123456789"}"#)
        #expect(memory.counts(FlowDriver.slot, .tokens).admitted == 256 + 16)
        _ = driver
    }

    @Test func aStreamsLastUsageCounts() {
        let memory = QoSMemory()
        var driver = Self.start(memory)
        driver.connected()
        driver.upstream(Text.streamHead)
        driver.upstream(Text.chunk("data: {\"choices\":[],\"usage\":{\"total_tokens\":21}}\n\n"))
        let last = Text.chunk("data: {\"choices\":[],\"usage\":{\"total_tokens\":42}}\n\ndata: [DONE]\n\n") + "0\r\n\r\n"
        for byte in last.utf8 { driver.give(.upstream, [byte]) }
        #expect(Self.charged(memory, driver) == 42)
    }

    @Test func aStreamWithoutUsageIsCountedByItsEvents() {
        let memory = QoSMemory()
        var driver = Self.start(memory)
        driver.connected()
        driver.upstream(Text.streamHead)
        for _ in 0..<7 { driver.upstream(Text.chunk("data: {\"choices\":[]}\n\n")) }
        driver.upstream(Text.chunk("data: [DONE]\n\n") + "0\r\n\r\n")
        #expect(Self.charged(memory, driver) == 19 + 7)
    }

    @Test func anAnswerWithoutUsageIsCountedByItsSize() {
        let memory = QoSMemory()
        var driver = Self.start(memory)
        driver.connected()
        driver.upstream(Text.json(String(repeating: " ", count: 40)))
        #expect(Self.charged(memory, driver) == 19 + 10)
        driver = Self.start(memory)
        driver.connected()
        driver.upstream(Text.json(String(repeating: " ", count: 4000)))
        #expect(Self.charged(memory, driver) == 29 + 119, "no more than what was reserved")
    }

    @Test func aCompressedAnswerKeepsItsEstimate() {
        let memory = QoSMemory()
        var driver = Self.start(memory)
        driver.connected()
        driver.upstream(Text.json(#"{"usage":{"total_tokens":5}}"#, fields: "Content-Encoding: gzip\r\n"))
        #expect(Self.charged(memory, driver) == 119)
    }

    @Test func anErrorUsesNothing() {
        let memory = QoSMemory()
        var driver = Self.start(memory)
        driver.connected()
        driver.upstream("HTTP/1.1 500 Oops\r\nContent-Length: 400\r\n\r\n" + String(repeating: "x", count: 400))
        #expect(Self.charged(memory, driver) == 0)
    }

    @Test func aHostileUsageIsBelievedUpToABound() {
        let memory = QoSMemory()
        var driver = Self.start(memory)
        driver.connected()
        driver.upstream(Text.json(#"{"usage":{"total_tokens":18446744073709551615}}"#))
        #expect(memory.counts(FlowDriver.slot, .tokens).admitted == 1 << 40)
        #expect(memory.debt(FlowDriver.slot, .tokens, now: driver.context.now) < 1 << 56)
    }

    @Test func whoeverIsNotAnsweredGetsEverythingBack() {
        let endings: [(inout FlowDriver) -> Void] = [
            { $0.connectFailed() },
            { $0.timeout() },
            { $0.ended(.client) },
            { $0.failed(.client) },
            {
                $0.connected(); $0.ended(.upstream)
            },
            {
                $0.connected(); $0.failed(.upstream)
            },
            {
                $0.connected(); $0.timeout()
            },
            {
                $0.connected(); $0.ended(.client); $0.ended(.upstream)
            },
            {
                $0.connected(); $0.upstream("garbage\r\n\r\n")
            },
            {
                $0.connected(); $0.upstream("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n"); $0.failed(.upstream)
            },
            {
                $0.connected(); $0.upstream("HTTP/1.1 101 Switching\r\n\r\n")
            },
        ]
        for (index, end) in endings.enumerated() {
            let memory = QoSMemory()
            var driver = FlowDriver(memory, .thousandTokens)
            // An answer before must not be taken for this request's.
            _ = driver.exchange(Text.post(Text.prompt), Text.json(#"{"usage":{"total_tokens":50}}"#))
            driver.client(Text.post(Text.prompt))
            #expect(memory.counts(FlowDriver.slot, .tokens).admitted == 50 + 119)
            end(&driver)
            #expect(Self.charged(memory, driver) == 50, "ending \(index)")
        }
    }

    @Test func whatWasSeenOfABrokenStreamIsCharged() {
        let endings: [(inout FlowDriver) -> Void] = [
            { $0.ended(.upstream) }, { $0.failed(.upstream) }, { $0.timeout() },
            {
                $0.ended(.client); $0.ended(.upstream)
            },
            {
                $0.failed(.client); $0.failed(.upstream)
            },
            { $0.upstream("zz\r\n") },
        ]
        for (index, end) in endings.enumerated() {
            let memory = QoSMemory()
            var driver = Self.start(memory)
            driver.connected()
            driver.upstream(Text.streamHead)
            for _ in 0..<3 { driver.upstream(Text.chunk("data: {\"choices\":[]}\n\n")) }
            end(&driver)
            #expect(Self.charged(memory, driver) == 19 + 3, "ending \(index)")
        }
    }

    @Test func aRequestSentAgainIsChargedOnce() {
        let memory = QoSMemory()
        var qos = QoS.thousandTokens
        qos.requests = Rate(1, per: .hour)
        qos.burst = 10
        var driver = FlowDriver(memory, qos)
        driver.client(Text.post(Text.prompt))
        driver.connected(reused: true)
        driver.ended(.upstream)
        #expect(driver.takeActions().last == .connect(FlowDriver.engine, .fresh, tls: 0))
        driver.connected()
        driver.upstream(Text.json(#"{"usage":{"total_tokens":50}}"#))
        #expect(Self.charged(memory, driver) == 50)
        #expect(memory.counts(FlowDriver.slot, .requests).admitted == 1)
        #expect(driver.context.ledger.totals.staleRetries == 1)
    }

    @Test func pipelinedRequestsAreChargedOneByOne() {
        let memory = QoSMemory()
        var driver = FlowDriver(memory, .twoRequests)
        driver.client(Text.post() + Text.post() + Text.post())
        driver.connected()
        driver.upstream(Text.answer)
        driver.connected()
        driver.upstream(Text.answer)
        let answers = driver.takeClient()
        #expect(answers.components(of: "HTTP/1.1 200 OK") == 2 && answers.components(of: "HTTP/1.1 429 Too Many") == 1)
        #expect(driver.flow.state == .idle)
    }

    @Test func aNewCatalogueInBetweenLosesNothing() {
        let memory = QoSMemory()
        var driver = Self.start(memory)
        driver.connected()
        let after = FlowDriver(QoSMemory(), QoS())
        driver.context.adopt(after.context.routes, Node())
        driver.upstream(Text.json(#"{"usage":{"total_tokens":5}}"#))
        #expect(memory.counts(FlowDriver.slot, .tokens).admitted == 5)
    }
}

extension String {
    func components(of text: String) -> Int {
        var count = 0
        var rest = self[...]
        while let first = rest.firstIndex(where: { _ in true }) {
            if rest.hasPrefix(text) { count += 1 }
            rest = rest[rest.index(after: first)...]
        }
        return count
    }
}
