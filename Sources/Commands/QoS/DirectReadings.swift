internal import Catalog
internal import Control
internal import KernelPlane

extension EndpointReport {
    init(_ reading: EndpointReading, model: String) {
        let direct = Direct(
            weight: reading.weight, usable: reading.usable, open: reading.open, picked: reading.picked, failed: reading.failed,
            failedMillisecondsAgo: reading.nanosecondsSinceFailure.map { $0 / 1_000_000 })
        self.init(model: model, address: reading.address.description, direct: direct)
    }
}

extension DirectMeterReport {
    init(_ reading: MeterReading) {
        self.init(
            client: reading.client, connections: reading.connections, requests: reading.requests,
            responses: reading.responses, statuses: reading.statuses, unfollowed: reading.unfollowed,
            bytesSent: reading.bytesSent, bytesReceived: reading.bytesReceived,
            firstByte: (reading.firstByteNanoseconds, reading.firstBytes, reading.firstByteMaximum))
    }
}

extension QoSReport {
    /// With the bytes of its direct flows.
    func metered(_ readings: [MeterReading]) -> QoSReport {
        var report = self
        for reading in readings where reading.model == slot {
            report.bytes.direct.sent += reading.bytesSent
            report.bytes.direct.received += reading.bytesReceived
        }
        return report
    }
}
