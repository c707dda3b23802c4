import Admission
import Control
import Flow
import Telemetry
import Testing

/// What each request leaves in its model's histograms.
@Suite struct MeasureTests {
    private static let millisecond: UInt64 = 1_000_000

    private func bucket(_ histogram: Histogram) -> [Int] { histogram.counts.indices.filter { histogram.counts[$0] > 0 } }

    /// 10 ms until it is sent, 20 until its first byte, and 300 more for the other ten tokens.
    @Test func aStreamIsMeasuredOnce() throws {
        let memory = QoSMemory()
        var driver = SettleTests.start(memory)
        driver.context.now += 10 * Self.millisecond
        driver.connected()
        driver.context.now += 20 * Self.millisecond
        driver.upstream(Text.streamHead)
        driver.upstream(Text.chunk("data: {\"choices\":[]}\n\n"))
        driver.context.now += 300 * Self.millisecond
        #expect(driver.counters?.counters.duration.count == 0, "it has not ended")
        let usage = #"{"prompt_tokens":30,"completion_tokens":11,"total_tokens":41}"#
        driver.upstream(Text.chunk("data: {\"choices\":[],\"usage\":\(usage)}\n\ndata: [DONE]\n\n") + "0\r\n\r\n")
        driver.abandon()
        let counters = try #require(driver.counters?.counters)
        #expect(counters.duration.count == 1 && counters.duration.sum == 330_000)
        #expect(counters.firstByte.count == 1 && counters.firstByte.sum == 30_000)
        #expect(counters.dispatch.count == 1 && counters.dispatch.sum <= 10_000)
        #expect(counters.tokenTime.count == 1 && counters.tokenTime.sum == 30_000)
        #expect(counters.inputUse.sum == 30 && counters.outputUse.sum == 11)
        #expect(bucket(counters.tokenTime) == [2] && bucket(counters.outputUse) == [2] && bucket(counters.inputUse) == [3])
    }

    /// All of its tokens come at once.
    @Test func aWholeAnswerHasNoTimePerToken() throws {
        var driver = SettleTests.start(QoSMemory())
        driver.connected()
        driver.upstream(Text.json(#"{"usage":{"prompt_tokens":30,"completion_tokens":500}}"#))
        let counters = try #require(driver.counters?.counters)
        #expect(counters.tokenTime.count == 0 && counters.outputUse.sum == 500 && counters.duration.count == 1)
    }

    @Test func whatNobodyAnsweredIsNotMeasured() throws {
        var driver = SettleTests.start(QoSMemory())
        driver.failed(.client)
        let counters = try #require(driver.counters?.counters)
        #expect(counters.duration.count == 0 && counters.dispatch.count == 0 && counters.inputUse.count == 0)
    }
}
