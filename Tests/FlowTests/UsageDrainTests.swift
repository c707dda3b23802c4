import Admission
import Catalog
import Control
import Flow
import Routing
import Telemetry
import Testing

/// After its client has gone an endpoint is heard out, for a while.
@Suite struct UsageDrainTests {
    private static let prompt = UInt64(UsageStripTests.body.utf8.count / 4)

    /// A stream whose client has gone after two events.
    private static func aborted(_ memory: QoSMemory, _ abort: (inout FlowDriver) -> Void = { $0.ended(.client) }) -> FlowDriver {
        var driver = UsageStripTests.streaming(memory)
        driver.upstream(Text.streamHead + Text.chunk(Text.delta) + Text.chunk(Text.delta))
        _ = driver.takeClient()
        _ = driver.takeActions()
        abort(&driver)
        return driver
    }

    private static func expectIsOver(_ driver: inout FlowDriver) {
        #expect(!driver.flow.isDraining && driver.flow.state == .closing && driver.flow.deadline == 0)
        #expect(driver.takeActions().contains(.releaseUpstream(reusable: false)))
        #expect(driver.counters?.counters.active == 0 && driver.counters?.counters.cancelled == 1)
        #expect(driver.takeClient().isEmpty && driver.takeUpstream().isEmpty)
    }

    @Test func whatTheEndpointSaysAtLastCounts() {
        let endings: [(inout FlowDriver) -> Void] = [{ $0.ended(.client) }, { $0.failed(.client) }, { $0.hungUp() }]
        for end in endings {
            let memory = QoSMemory()
            var driver = Self.aborted(memory, end)
            #expect(driver.flow.isDraining && driver.counters?.counters.active == 1)
            let actions = driver.takeActions()
            #expect(actions.filter { $0 == .drainUpstream || $0 == .close(.client) } == [.drainUpstream, .close(.client)])
            #expect(!actions.contains(.releaseUpstream(reusable: false)))
            for byte in (Text.chunk(Text.delta) + Text.chunk(Text.usage)).utf8 { driver.give(.upstream, [byte]) }
            #expect(driver.flow.isDraining)
            driver.ended(.upstream)
            Self.expectIsOver(&driver)
            #expect(UsageStripTests.used(memory) == 42)
        }
    }

    @Test func theEndOfTheAnswerEndsIt() {
        let memory = QoSMemory()
        var driver = Self.aborted(memory)
        driver.upstream(Text.chunk(Text.usage) + "0\r\n\r\n")
        Self.expectIsOver(&driver)
        #expect(UsageStripTests.used(memory) == 42)
    }

    @Test func whatWasSeenCountsOtherwise() {
        let endings: [(inout FlowDriver) -> Void] = [
            { $0.ended(.upstream) }, { $0.failed(.upstream) }, { $0.timeout() }, { $0.upstream("no chunk") },
        ]
        for end in endings {
            let memory = QoSMemory()
            var driver = Self.aborted(memory)
            driver.upstream(Text.chunk(Text.delta))
            end(&driver)
            Self.expectIsOver(&driver)
            #expect(UsageStripTests.used(memory) == Self.prompt + 3)
        }
    }

    @Test func itIsBounded() {
        let memory = QoSMemory()
        var driver = Self.aborted(memory)
        #expect(driver.flow.deadline == driver.context.now + 1_000_000_000)
        let event = Text.chunk("data: {\"x\":\"\(String(repeating: "x", count: 32_000))\"}\n\n")
        var events: UInt64 = 0
        while driver.flow.isDraining, events < 100 {
            driver.upstream(event)
            events += 1
        }
        #expect(events == (1 << 20 + UInt64(event.utf8.count) - 1) / UInt64(event.utf8.count))
        Self.expectIsOver(&driver)
        #expect(UsageStripTests.used(memory) == Self.prompt + 2 + events)
    }

    /// The answer may begin after its client has gone.
    @Test func anAnswerThatNobodyWaitsFor() {
        let answer = "HTTP/1.1 103 Early Hints\r\n\r\n" + Text.json(#"{"usage":{"prompt_tokens":7,"completion_tokens":8}}"#)
        for step in [1, 7, 1000] {
            let memory = QoSMemory()
            var driver = UsageStripTests.streaming(memory)
            driver.ended(.client)
            #expect(driver.flow.isDraining)
            let bytes = Array(answer.utf8)
            for start in stride(from: 0, to: bytes.count, by: step) {
                driver.give(.upstream, Array(bytes[start..<min(start + step, bytes.count)]))
            }
            Self.expectIsOver(&driver)
            #expect(UsageStripTests.used(memory) == 15)
        }
        let memory = QoSMemory()
        var driver = UsageStripTests.streaming(memory)
        driver.ended(.client)
        driver.ended(.upstream)
        Self.expectIsOver(&driver)
        #expect(UsageStripTests.used(memory) == 0, "an answer that never began used nothing")
    }

    /// A head that had begun goes on where it was.
    @Test func aHeadInTwoPieces() {
        for cut in [1, 12, 40] {
            let memory = QoSMemory()
            var driver = UsageStripTests.streaming(memory)
            let answer = Array(Text.json(#"{"usage":{"prompt_tokens":7,"completion_tokens":8}}"#).utf8)
            driver.give(.upstream, Array(answer[..<cut]))
            driver.ended(.client)
            driver.give(.upstream, Array(answer[cut...]))
            Self.expectIsOver(&driver)
            #expect(UsageStripTests.used(memory) == 15)
        }
    }

    @Test func onlyWhereTokensCount() {
        let memory = QoSMemory()
        var driver = FlowDriver(usage: memory, qos: QoS())
        driver.client(Text.chat(UsageStripTests.body))
        driver.connected()
        driver.upstream(Text.streamHead + Text.chunk(Text.delta))
        driver.ended(.client)
        #expect(!driver.flow.isDraining && driver.takeActions().contains(.releaseUpstream(reusable: false)))
        // Half a request is worth nothing to anybody.
        driver = FlowDriver(usage: memory)
        driver.client(
            Text.chatHead + "Content-Length: 300000\r\n\r\n" + #"{"model":"m","x":""# + String(repeating: "x", count: 100_000))
        driver.connected()
        driver.ended(.client)
        #expect(!driver.flow.isDraining && UsageStripTests.used(memory) == 0)
    }

    @Test func theClientIsNotHeardAnyMore() {
        let memory = QoSMemory()
        var driver = Self.aborted(memory)
        driver.client(Text.chat(UsageStripTests.body))
        driver.ended(.client)
        driver.failed(.client)
        driver.hungUp()
        #expect(driver.flow.isDraining && driver.takeUpstream().isEmpty)
        driver.ended(.upstream)
        Self.expectIsOver(&driver)
    }

    @Test func itMayBeAbandoned() {
        let memory = QoSMemory()
        var driver = Self.aborted(memory)
        driver.flow.abandon(&driver.context, &driver.out)
        #expect(driver.counters?.counters.active == 0 && driver.counters?.counters.cancelled == 1)
        #expect(UsageStripTests.used(memory) == Self.prompt + 2)
    }
}
