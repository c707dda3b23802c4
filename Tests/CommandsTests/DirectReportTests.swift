import Commands
import Control
import ControlCoding
import Testing

@Suite struct DirectReportTests {
    private let meter = DirectMeterReport(
        client: 2, connections: 3, requests: 10, responses: 9, statuses: [1, 0, 6, 0, 2, 0], unfollowed: 5, bytesSent: 100,
        bytesReceived: 2048,
        firstByte: (9_000_000, 9, 4_000_000))

    @Test func metersAsATable() {
        #expect(
            words(DirectMeterReport.table([meter, DirectMeterReport(client: 0)], width: nil)) == [
                "DIRECT CONNECTIONS REQUESTS ANSWERS 1XX 2XX 3XX 4XX 5XX OTHER UNREAD SENT RECEIVED TTFB MEAN MAX",
                "#2 3 10 9 0 6 0 2 0 1 5 100 B 2 KiB 1ms 4ms", "none 0 0 0 0 0 0 0 0 0 0 0 B 0 B - -",
            ])
    }

    @Test func aModelsDetailIsOneObject() throws {
        let model = ModelDetail(ModelReport(name: "m", source: .catalog), direct: [meter])
        let text = String(decoding: try ControlLine.encode(model), as: UTF8.self)
        #expect(text.contains(#""direct":[{"bytesReceived":2048,"bytesSent":100,"client":2,"connections":3"#))
        #expect(text.contains(#""firstByteMaxMicroseconds":4000,"firstByteMeanMicroseconds":1000"#))
        #expect(text.contains(#""name":"m""#) && text.contains(#""source":"catalog""#) && !text.contains(#""qos""#))
        #expect(try ControlLine.decode(ModelReport.self, from: Array(text.utf8)).name == "m")
        #expect(words(model.text(width: nil)).contains { $0.hasPrefix("DIRECT CONNECTIONS") })
    }
}
