import Catalog
import Flow
import Routing
import Testing

/// Requests that others have at an engine, which says how many it has in all.
@Suite struct LoadTests {
    private func say(_ line: WaitingLine, _ load: UInt32?, _ reading: UInt32) {
        let endpoint = line.catalog.models[0].endpoints[0]
        line.stand([Standing(url: endpoint.url, address: endpoint.addresses[0], load: load, reading: reading)])
    }

    @Test func oneOfOursMayAlwaysBeThere() {
        let line = WaitingLine(slots: 4)
        say(line, 4, 1)
        let (first, second) = (line.ask(), line.ask())
        #expect(!line.isQueued(first) && line.isQueued(second))
        // Ours is in it by now.
        for reading in 2..<9 { say(line, 5, UInt32(reading)) }
        #expect(line.deliver().isEmpty && line.isQueued(second))
        line.answer(first)
        #expect(line.deliver() == [second])
    }

    @Test func theirsEndAndOursBegin() {
        let line = WaitingLine(slots: 4)
        say(line, 4, 1)
        let flows = (0..<5).map { _ in line.ask() }
        say(line, 1, 2)
        say(line, 1, 3)
        #expect(line.deliver() == Array(flows[1..<4]) && line.isQueued(flows[4]))
    }

    @Test func whatIsOldSaysNothing() {
        let line = WaitingLine(slots: 4)
        say(line, 100, 1)
        let flows = (0..<5).map { _ in line.ask() }
        line.stand([])
        #expect(line.deliver() == Array(flows[1..<4]) && line.isQueued(flows[4]))
    }

    /// Told once more because of something else, it is not compared with what is under way by then.
    @Test func aReadingCountsOnce() {
        let line = WaitingLine(slots: 4)
        say(line, 0, 1)
        let flows = (0..<4).map { _ in line.ask() }
        say(line, 4, 2)
        for flow in flows { line.answer(flow) }
        for _ in 0..<3 { say(line, 4, 2) }
        #expect((0..<4).map { _ in line.isQueued(line.ask()) } == Array(repeating: false, count: 4))
    }

    @Test func oursThatEndDoNotHideTheirs() {
        let line = WaitingLine(slots: 4)
        say(line, 2, 1)
        let flows = (0..<2).map { _ in line.ask() }
        say(line, 4, 2)
        for flow in flows { line.answer(flow) }
        for reading in 3..<6 { say(line, 2, UInt32(reading)) }
        #expect((0..<3).map { _ in line.isQueued(line.ask()) } == [false, false, true])
    }
}
