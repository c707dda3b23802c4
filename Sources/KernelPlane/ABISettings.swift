internal import CBPFShim
import Catalog

extension mb_settings {
    /// As the programs read them. Fewer than four targets: the missing ones are not configured.
    init(_ settings: PlaneSettings) {
        self.init()
        abi_version = UInt32(MB_ABI_VERSION)
        generation = settings.generation
        host_netns_cookie = settings.hostNetnsCookie
        withUnsafeMutableBytes(of: &targets) { bytes in
            let slots = bytes.bindMemory(to: mb_target.self)
            for (slot, target) in zip(slots.indices, settings.targets) { slots[slot] = mb_target(target) }
        }
    }

    var plane: PlaneSettings {
        let targets = withUnsafeBytes(of: targets) { bytes in
            zip(ListenerSlot.allCases, bytes.bindMemory(to: mb_target.self)).map { $1.address(family: $0.family) }
        }
        return PlaneSettings(generation: generation, hostNetnsCookie: host_netns_cookie, targets: targets)
    }
}

extension mb_target {
    init(_ address: SocketAddress?) {
        self.init()
        guard let address else { return }
        configured = 1
        port_be = address.port.bigEndian
        withUnsafeMutableBytes(of: &addr_be) { address.ip.write(to: $0) }
    }

    func address(family: IPAddress.Family) -> SocketAddress? {
        guard configured != 0 else { return nil }
        let ip = withUnsafeBytes(of: addr_be) { IPAddress(family: family, bytes: $0) }
        return SocketAddress(ip: ip, port: UInt16(bigEndian: port_be))
    }
}

extension ListenerSlot {
    var family: IPAddress.Family { self == .host4 || self == .pod4 ? .v4 : .v6 }
}

extension IPAddress {
    /// Network order; what is longer than the address stays as it is.
    func write(to bytes: UnsafeMutableRawBufferPointer) {
        for index in 0..<min(bytes.count, bitWidth / 8) { bytes[index] = byte(index) }
    }
}
