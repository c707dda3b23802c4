import Control
import Glibc
import Reactor
import Testing

@testable import Proxy

/// Audit lines on their way out.
@Suite struct AuditWriterTests {
    /// A pipe that is read only when the test wants to.
    private final class Reader {
        private let number: Int32
        private(set) var isClosed = false
        private var writer: Int32

        init() throws {
            var ends: [Int32] = [-1, -1]
            guard pipe(&ends) == 0 else { throw SystemError("pipe", errno) }
            signal(SIGPIPE, SIG_IGN)
            (number, writer) = (ends[0], ends[1])
        }

        /// The other end.
        func sink() -> Descriptor {
            defer { writer = -1 }
            return Descriptor(owning: writer)
        }

        deinit { close() }

        func close() {
            if !isClosed { _ = Glibc.close(number) }
            isClosed = true
        }

        /// Everything until there are so many lines, for up to ten seconds.
        func read(lines wanted: Int) -> String {
            var text: [UInt8] = []
            var lines = 0
            var buffer = [UInt8](repeating: 0, count: 1 << 16)
            var polled = pollfd(fd: number, events: Int16(POLLIN), revents: 0)
            while lines < wanted, poll(&polled, 1, 10_000) == 1 {
                let count = Glibc.read(number, &buffer, buffer.count)
                guard count > 0 else { break }
                text += buffer[..<count]
                lines += buffer[..<count].count { $0 == 10 }
            }
            return String(decoding: text, as: UTF8.self)
        }
    }

    private func put(_ lines: [String], _ writer: AuditWriter, _ channel: AuditLines) {
        var bytes = Array(lines.map { $0 + "\n" }.joined().utf8)
        writer.write(&bytes, lines: lines.count, channel)
        #expect(bytes.isEmpty)
    }

    private func counts(_ writer: AuditWriter) -> [UInt64] {
        var statistics = ProxyStatistics()
        writer.fill(&statistics)
        return [statistics.auditLines, statistics.auditDropped]
    }

    /// Until the counts are as expected, for up to ten seconds.
    private func wait(_ writer: AuditWriter, for expected: [UInt64]) -> Bool {
        let deadline = MonotonicClock.now() + 10_000_000_000
        while counts(writer) != expected {
            guard MonotonicClock.now() < deadline else { return false }
            usleep(1000)
        }
        return true
    }

    @Test func linesOfAllLoopsAreWritten() throws {
        let writer = try AuditWriter()
        let channels = [writer.channel(), writer.channel()]
        let reader = try Reader()
        // What came before there was a sink waits for it.
        put(["early"], writer, channels[0])
        try writer.use(reader.sink())
        for number in 0..<1000 { put(["a\(number)", "b\(number)"], writer, channels[number % 2]) }
        let text = reader.read(lines: 2001)
        let lines = text.split(separator: "\n")
        #expect(Set(lines).count == 2001)
        #expect(lines.contains("early"))
        // Of one loop in their order.
        #expect(lines.filter { $0.hasPrefix("a") && Int($0.dropFirst()).map { $0 % 2 == 0 } == true }.first == "a0")
        #expect(wait(writer, for: [2001, 0]))
    }

    @Test func aSinkThatDoesNotReadCostsLinesOnly() throws {
        let writer = try AuditWriter()
        let channel = writer.channel()
        let reader = try Reader()
        try writer.use(reader.sink())
        let line = String(repeating: "x", count: 10_239)
        // Twice as much as may wait, with what the thread has already taken.
        for _ in 0..<2000 { put([line], writer, channel) }
        let dropped = counts(writer)[1]
        #expect(dropped > 800)
        let kept = 2000 - Int(dropped)
        let text = reader.read(lines: kept)
        #expect(text.split(separator: "\n").allSatisfy { $0 == line })
        #expect(wait(writer, for: [UInt64(kept), dropped]))
    }

    @Test func aReaderThatGoesAwayIsReplaced() throws {
        let writer = try AuditWriter()
        let channel = writer.channel()
        let first = try Reader()
        try writer.use(first.sink())
        put(["one"], writer, channel)
        #expect(first.read(lines: 1) == "one\n")
        first.close()
        put(["two"], writer, channel)
        put(["three"], writer, channel)
        let second = try Reader()
        try writer.use(second.sink())
        #expect(second.read(lines: 2) == "two\nthree\n")
        #expect(wait(writer, for: [3, 0]))
    }

    @Test func withoutASinkNothingIsKept() throws {
        let writer = try AuditWriter()
        let channel = writer.channel()
        let reader = try Reader()
        try writer.use(reader.sink())
        put(["one"], writer, channel)
        #expect(reader.read(lines: 1) == "one\n")
        writer.useNothing()
        put(["two", "three"], writer, channel)
        #expect(wait(writer, for: [1, 2]))
    }

    @Test func aSinkThatFailsCostsLines() throws {
        let writer = try AuditWriter()
        let channel = writer.channel()
        let path = "/tmp/modelbroker-audit-\(getpid())-\(UInt64.random(in: 0 ... .max))"
        defer { unlink(path) }
        #expect(close(open(path, O_CREAT | O_WRONLY, 0o600)) == 0)
        // A socket without a peer, on which writing fails as on a full disk.
        try writer.use(Descriptor(owning: socket(AF_INET, Int32(SOCK_DGRAM.rawValue), 0)))
        put(["one", "two"], writer, channel)
        #expect(wait(writer, for: [0, 2]))
        try writer.use(Descriptor(owning: open(path, O_WRONLY | O_APPEND | O_CLOEXEC)))
        put(["three"], writer, channel)
        #expect(wait(writer, for: [1, 2]))
        writer.finish(milliseconds: 5000)
        var buffer = [UInt8](repeating: 0, count: 100)
        let file = open(path, O_RDONLY)
        defer { _ = close(file) }
        let count = read(file, &buffer, buffer.count)
        #expect(String(decoding: buffer[..<max(0, count)], as: UTF8.self) == "three\n")
    }

    @Test func finishingWaitsForTheLastLine() throws {
        let writer = try AuditWriter()
        let channel = writer.channel()
        let path = "/tmp/modelbroker-audit-\(getpid())-\(UInt64.random(in: 0 ... .max))"
        defer { unlink(path) }
        try writer.use(Descriptor(owning: open(path, O_CREAT | O_WRONLY | O_APPEND, 0o600)))
        for _ in 0..<100 { put(Array(repeating: String(repeating: "y", count: 999), count: 10), writer, channel) }
        writer.finish(milliseconds: 10_000)
        var status = stat()
        #expect(stat(path, &status) == 0)
        #expect(status.st_size == 1_000_000)
        // Nobody reads: it ends all the same.
        let stuck = try AuditWriter()
        let reader = try Reader()
        try stuck.use(reader.sink())
        let other = stuck.channel()
        for _ in 0..<100 { put([String(repeating: "z", count: 9999)], stuck, other) }
        stuck.finish(milliseconds: 100)
        #expect(!reader.isClosed)
    }

    @Test func whateverThePauseAFirstLineIsWritten() throws {
        let writer = try AuditWriter()
        let channels = [writer.channel(), writer.channel()]
        let reader = try Reader()
        try writer.use(reader.sink())
        // Each comes when the thread may be writing, gathering or asleep.
        for number in 0..<50 {
            put(["line \(number)"], writer, channels[number % 2])
            if number % 5 == 0 { usleep(25_000) }
            #expect(reader.read(lines: 1) == "line \(number)\n")
        }
        #expect(wait(writer, for: [50, 0]))
    }

    @Test func whatDoesNotFitIsCutAtALine() {
        let lines = AuditLines()
        var bytes = [UInt8](repeating: 0x78, count: AuditLines.limit - 10) + [10]
        #expect(lines.put(&bytes, lines: 1).dropped == 0)
        bytes = Array("aaa\nbbbb\nc\n".utf8)
        let (dropped, waiting) = lines.put(&bytes, lines: 3)
        #expect(dropped == 1)
        #expect(waiting == AuditLines.limit)
        var batch = AuditLines.Batch()
        lines.take(into: &batch)
        #expect(batch.lines == 3)
        #expect(batch.bytes.suffix(9) == Array("aaa\nbbbb\n".utf8)[...])
        batch.clear()
        lines.take(into: &batch)
        #expect(batch.bytes.isEmpty && batch.lines == 0)
    }
}
