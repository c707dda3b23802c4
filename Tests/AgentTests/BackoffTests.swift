import Testing

@testable import Agent

@Suite struct BackoffTests {
    @Test func doublesUpToItsLimit() {
        var backoff = Backoff()
        let waits = (0..<8).map { _ in backoff.wait(afterRunning: .zero) }
        #expect(waits == [100, 200, 400, 800, 1600, 2000, 2000, 2000].map { .milliseconds($0) })
    }

    @Test func startsAgainAfterAGoodRun() {
        var backoff = Backoff()
        for _ in 0..<5 { _ = backoff.wait(afterRunning: .seconds(1)) }
        #expect(backoff.wait(afterRunning: .milliseconds(9_999)) == .milliseconds(2000))
        #expect(backoff.wait(afterRunning: .seconds(10)) == .milliseconds(100))
        #expect(backoff.wait(afterRunning: .zero) == .milliseconds(200))
    }
}
