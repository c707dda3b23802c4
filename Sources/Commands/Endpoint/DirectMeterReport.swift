/// What the direct flows of one model and client did, as the kernel read it off their bytes.
package struct DirectMeterReport: Hashable, Sendable, Codable {
    /// As in `QoSReport.Refusal`.
    package var client: UInt32
    package var name: String?
    /// Established.
    package var connections: UInt64
    package var requests: UInt64
    package var responses: UInt64
    package var status1xx: UInt64
    package var status2xx: UInt64
    package var status3xx: UInt64
    package var status4xx: UInt64
    package var status5xx: UInt64
    /// Answers whose first line has no status.
    package var statusless: UInt64
    /// Connections of which a part could not be read as HTTP/1; of that part, only the bytes are counted.
    package var unfollowed: UInt64
    /// Payload towards the endpoint, and from it.
    package var bytesSent: UInt64
    package var bytesReceived: UInt64
    /// From a request's first byte to its answer's; nil: none was measured.
    package var firstByteMeanMicroseconds: UInt64?
    package var firstByteMaxMicroseconds: UInt64?

    /// - Parameters:
    ///   - statuses: answers without a status, then 1xx to 5xx.
    ///   - firstByte: the sum in nanoseconds, of so many answers, and the longest.
    package init(
        client: UInt32, connections: UInt64 = 0, requests: UInt64 = 0, responses: UInt64 = 0, statuses: [UInt64] = [],
        unfollowed: UInt64 = 0,
        bytesSent: UInt64 = 0, bytesReceived: UInt64 = 0, firstByte: (sum: UInt64, count: UInt64, max: UInt64) = (0, 0, 0)
    ) {
        func count(_ index: Int) -> UInt64 { index < statuses.count ? statuses[index] : 0 }
        self.client = client
        self.connections = connections
        self.requests = requests
        self.responses = responses
        self.unfollowed = unfollowed
        statusless = count(0)
        status1xx = count(1)
        status2xx = count(2)
        status3xx = count(3)
        status4xx = count(4)
        status5xx = count(5)
        self.bytesSent = bytesSent
        self.bytesReceived = bytesReceived
        guard firstByte.count > 0 else { return }
        firstByteMeanMicroseconds = firstByte.sum / firstByte.count / 1000
        firstByteMaxMicroseconds = firstByte.max / 1000
    }

    /// What `modelbroker model show` prints of them.
    package static func table(_ meters: [DirectMeterReport], width: Int?) -> String {
        var table = Table([
            .init("direct"), .init("connections", .right), .init("requests", .right), .init("answers", .right),
            .init("1xx", .right), .init("2xx", .right), .init("3xx", .right), .init("4xx", .right), .init("5xx", .right),
            .init("other", .right), .init("unread", .right), .init("sent", .right), .init("received", .right),
            .init("ttfb mean", .right),
            .init("max", .right),
        ])
        for meter in meters {
            table.add([
                meter.client.clientText(meter.name), "\(meter.connections)", "\(meter.requests)", "\(meter.responses)",
                "\(meter.status1xx)", "\(meter.status2xx)", "\(meter.status3xx)", "\(meter.status4xx)", "\(meter.status5xx)",
                "\(meter.statusless)", "\(meter.unfollowed)", Units.bytes(meter.bytesSent), Units.bytes(meter.bytesReceived),
                Units.latency(microseconds: meter.firstByteMeanMicroseconds),
                Units.latency(microseconds: meter.firstByteMaxMicroseconds),
            ])
        }
        return table.rendered(width: width)
    }
}
