import Telemetry
import Testing

@Suite struct RemoteWriteMessagesTests {
    private let metric = Metric("things_total", .counter, "Things.")

    private func body(_ messages: [RemoteWriteMessages.Message]) throws -> [UInt8] {
        try SnappyTests.decompress(try #require(messages.first).body)
    }

    private func series(_ labels: [(String, String)], _ value: Double, _ time: Int64) -> [UInt8] {
        var writer = ProtobufWriter()
        writer.message(1) { series in
            for (name, value) in labels {
                series.message(1) {
                    $0.string(1, name)
                    $0.string(2, value)
                }
            }
            series.message(2) {
                $0.double(1, value)
                $0.int(2, time)
            }
        }
        return writer.bytes
    }

    /// Byte by byte, as Prometheus' own encoder writes it.
    @Test func theLayoutIsFixed() throws {
        var messages = RemoteWriteMessages(timestamp: 1000)
        messages.single(metric, [("a", "1")], 2)
        let metadata: [UInt8] =
            [0x1A, 25, 0x08, 1, 0x12, 12] + Array("things_total".utf8) + [0x22, 7] + Array("Things.".utf8)
        let labels: [UInt8] =
            [0x0A, 24, 0x0A, 8] + Array("__name__".utf8) + [0x12, 12] + Array("things_total".utf8) + [
                0x0A, 6, 0x0A, 1, 0x61, 0x12, 1, 0x31,
            ]
        let sample: [UInt8] = [0x12, 12, 0x09, 0, 0, 0, 0, 0, 0, 0, 0x40, 0x10, 0xE8, 0x07]
        let wanted = metadata + [0x0A, UInt8(labels.count + sample.count)] + labels + sample
        let written = messages.finish()
        #expect(written.map(\.samples) == [1])
        #expect(try body(written) == wanted)
    }

    @Test func labelsAreSortedAndEachStandsOnce() throws {
        var messages = RemoteWriteMessages(
            timestamp: 5, labels: [("job", "j"), ("instance", "outer"), ("Zone", "z"), ("nothing", "")])
        messages.sample(metric, [("kind", "b\u{0}"), ("instance", "own"), ("empty", "")], microseconds: 250_000)
        let wanted = series(
            [("Zone", "z"), ("__name__", "things_total"), ("instance", "own"), ("job", "j"), ("kind", "b\u{FFFD}")], 0.25, 5)
        #expect(try body(messages.finish()) == wanted)
    }

    @Test func histogramsAreThoseOfThePage() throws {
        var histogram = Histogram()
        for microseconds: UInt64 in [500, 1_500_000] { histogram.record(microseconds, on: .firstToken) }
        var messages = RemoteWriteMessages(timestamp: 1)
        messages.histogram(metric, [("a", "1")], histogram, on: .firstToken)
        let bytes = try body(messages.finish())
        #expect(bytes.starts(with: series([("__name__", "things_total_bucket"), ("a", "1"), ("le", "0.001")], 1, 1)))
        let end =
            series([("__name__", "things_total_bucket"), ("a", "1"), ("le", "+Inf")], 2, 1)
            + series([("__name__", "things_total_sum"), ("a", "1")], 1.5005, 1)
            + series([("__name__", "things_total_count"), ("a", "1")], 2, 1)
        #expect(bytes.suffix(end.count) == end[...])
    }

    @Test func whatIsTooMuchForOneMessageGoesIntoSeveral() throws {
        var messages = RemoteWriteMessages(timestamp: 1, limit: 10)
        messages.family(metric)
        for number in 0..<25 { messages.sample(metric, [("n", "\(number)")], UInt64(number)) }
        let written = messages.finish()
        #expect(written.map(\.samples) == [10, 10, 5])
        #expect(messages.finish().isEmpty)
        var empty = RemoteWriteMessages(timestamp: 1)
        empty.family(metric)
        #expect(empty.finish().isEmpty, "descriptions alone are nothing to send")
    }
}
