internal import CBPFShim
internal import Catalog

extension mb_endpoint {
    init(_ endpoint: DirectEndpoint, state: UInt32) {
        self.init()
        family = endpoint.address.ip.family == .v4 ? MB_AF_INET : MB_AF_INET6
        port_be = endpoint.address.port.bigEndian
        weight = endpoint.weight
        usable = endpoint.usable ? 1 : 0
        self.state = state
        withUnsafeMutableBytes(of: &addr_be) { endpoint.address.ip.write(to: $0) }
    }

    /// nil: not an entry that we have written.
    var endpoint: DirectEndpoint? {
        guard let family = IPAddress.Family(kernel: family) else { return nil }
        let ip = withUnsafeBytes(of: addr_be) { IPAddress(family: family, bytes: $0) }
        let address = SocketAddress(ip: ip, port: UInt16(bigEndian: port_be))
        return DirectEndpoint(address: address, weight: weight, usable: usable != 0)
    }
}

extension mb_endpoint_set {
    static let capacity = Int(MB_MAX_SET_ENDPOINTS)

    /// - Parameter members: `capacity` of them at most.
    init(_ members: [mb_endpoint]) {
        self.init()
        count = UInt32(members.count)
        withUnsafeMutableBytes(of: &endpoints) { bytes in
            let slots = bytes.bindMemory(to: mb_endpoint.self)
            for (slot, member) in zip(slots.indices, members) { slots[slot] = member }
        }
    }

    var members: [mb_endpoint] {
        withUnsafeBytes(of: endpoints) { Array($0.bindMemory(to: mb_endpoint.self).prefix(Int(count))) }
    }
}

extension MeterReading {
    init(_ key: mb_meter_key, _ perCPU: [mb_meter]) {
        self.init(model: key.model, client: key.client)
        statuses = [UInt64](repeating: 0, count: Int(MB_STATUS_CLASSES))
        for meter in perCPU { add(meter) }
    }

    private mutating func add(_ meter: mb_meter) {
        connections += meter.connections
        requests += meter.requests
        responses += meter.responses
        bytesSent += meter.bytes_sent
        bytesReceived += meter.bytes_received
        firstByteNanoseconds += meter.first_byte_ns
        firstBytes += meter.first_bytes
        firstByteMaximum = max(firstByteMaximum, meter.first_byte_max_ns)
        unfollowed += meter.unfollowed
        withUnsafeBytes(of: meter.statuses) { bytes in
            for (index, count) in bytes.bindMemory(to: UInt64.self).enumerated() { statuses[index] += count }
        }
    }
}
