import Control
import Telemetry
import Testing

@Suite struct LatencyReportTests {
    private func report(_ microseconds: [UInt64]) -> LatencyReport {
        var histogram = Histogram()
        for value in microseconds { histogram.record(value, on: .firstToken) }
        return LatencyReport(histogram)
    }

    @Test func saysNothingOfNothing() {
        let empty = report([])
        #expect(empty.count == 0 && empty.meanMicroseconds == nil && empty.p50Microseconds == nil && empty.p99Microseconds == nil)
    }

    @Test func estimatesWithinTheBucket() throws {
        // 10 to 20 ms for the first ninety-nine, 1 to 2.5 s for the last.
        let report = report([UInt64](repeating: 15_000, count: 99) + [2_000_000])
        #expect(report.count == 100 && report.meanMicroseconds == 34_850)
        #expect(report.p50Microseconds == 15_050)
        #expect(try #require(report.p99Microseconds) == 20_000)
    }

    @Test func staysAtTheLastBound() {
        let report = report([60_000_000, 60_000_000])
        #expect(report.p50Microseconds == 10_000_000 && report.meanMicroseconds == 60_000_000)
    }
}
