import Testing

@testable import Agent

@Suite struct LogRingTests {
    private func ring(_ text: String...) -> LogRing {
        var ring = LogRing()
        for part in text { ring.append(Array(part.utf8)) }
        return ring
    }

    @Test func keepsLines() {
        let ring = ring("one\ntw", "o\r\n\nfour")
        #expect(ring.last(10).lines == ["one", "two", "", "four"])
        #expect(ring.last(10).dropped == 0)
        #expect(ring.last(2).lines == ["", "four"])
        #expect(ring.last(2).dropped == 0, "they are kept")
        #expect(ring.last(0).lines == [] && ring.last(-1).lines == [])
        #expect(LogRing().last(5).lines == [])
    }

    @Test func theEndOfARunEndsALine() {
        var ring = ring("unfinished")
        ring.finish()
        ring.finish()
        ring.append(Array("next".utf8))
        #expect(ring.last(9).lines == ["unfinished", "next"])
    }

    @Test func isBounded() {
        var ring = LogRing()
        for number in 0..<20_000 { ring.append(Array("line \(number)\n".utf8)) }
        let (lines, dropped) = ring.last(.max)
        #expect(lines.last == "line 19999")
        #expect(lines.count + Int(dropped) == 20_000)
        #expect(lines.reduce(0) { $0 + $1.utf8.count + 16 } <= LogRing.capacity)
        #expect(lines.first == "line \(dropped)")
        var empty = LogRing()
        for _ in 0..<20_000 { empty.append([10]) }
        #expect(empty.last(.max).lines.count <= LogRing.capacity / 16)
    }

    @Test func aLineWithoutEndIsCut() {
        var ring = LogRing()
        ring.append([UInt8](repeating: 65, count: 64 << 10))
        let (lines, _) = ring.last(.max)
        #expect(lines.allSatisfy { $0.utf8.count <= LogRing.longestLine })
        #expect(lines.count > 10)
    }

    @Test func isTheSameAfterItWasSaved() {
        var ring = ring("one\n\nthree\nfo")
        let restored = LogRing(saved: ring.saved)
        #expect(restored.last(9).lines == ring.last(9).lines && restored.last(9).dropped == 0)
        for number in 0..<20_000 { ring.append(Array("line \(number)\n".utf8)) }
        let again = LogRing(saved: ring.saved)
        #expect(again.last(.max) == ring.last(.max) && again.last(.max).dropped > 1000)
        #expect(ring.saved.count < 2 * LogRing.capacity)
        for hostile in ["", "x", "\n", "99999999999999999999999\na", "\(UInt64.max)\na\nb"] {
            #expect(LogRing(saved: Array(hostile.utf8)).last(.max).lines.count <= 2)
        }
    }

    @Test func anythingCanBeWritten() {
        var ring = LogRing()
        ring.append([0xFF, 0xC0, 0x00, 0x1B, 0x5B, 10])
        #expect(ring.last(1).lines == ["\u{FFFD}\u{FFFD}\u{0}\u{1B}["])
    }
}
