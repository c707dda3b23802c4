internal import KernelPlane

extension GovernedPage {
    /// What the kernel counted on the path direct. What cannot be read is left out, as are models without a label.
    mutating func add(_ inspector: PlaneInspector) {
        let labels = Dictionary(entries.map { ($0.qos.slot, $0.label) }) { first, _ in first }
        let counted = (try? inspector.meters()) ?? []
        meters += counted.compactMap { reading in
            labels[reading.model].map { Meter(reading, model: $0, client: clients[reading.client] ?? "") }
        }
        let known = (try? inspector.endpoints()) ?? []
        endpoints += known.compactMap { reading in labels[reading.model].map { Endpoint(reading, model: $0) } }
    }
}

extension GovernedPage.Meter {
    fileprivate init(_ reading: MeterReading, model: String, client: String) {
        self.init(
            model: model, client: client, connections: reading.connections, requests: reading.requests,
            statuses: reading.statuses, bytesSent: reading.bytesSent, bytesReceived: reading.bytesReceived,
            unfollowed: reading.unfollowed, firstBytes: reading.firstBytes,
            firstByteNanoseconds: reading.firstByteNanoseconds)
    }
}

extension GovernedPage.Endpoint {
    fileprivate init(_ reading: EndpointReading, model: String) {
        self.init(
            model: model, address: reading.address, usable: reading.usable, open: reading.open, picked: reading.picked,
            failed: reading.failed)
    }
}
