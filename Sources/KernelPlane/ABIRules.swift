internal import CBPFShim
import Catalog

/// The part of a trie key that is the port: it stands before the address and always matches in full.
private let portBits = 16

extension mb_rule_key4 {
    /// Of an IPv4 destination.
    init(_ destination: Destination) {
        self.init()
        prefixlen = UInt32(portBits + destination.network.prefixLength)
        port_be = destination.port.bigEndian
        withUnsafeMutableBytes(of: &addr) { destination.network.address.write(to: $0) }
    }

    var destination: Destination? {
        decode(prefixlen, port_be, withUnsafeBytes(of: addr) { IPAddress(family: .v4, bytes: $0) })
    }
}

extension mb_rule_key6 {
    /// Of an IPv6 destination.
    init(_ destination: Destination) {
        self.init()
        prefixlen = UInt32(portBits + destination.network.prefixLength)
        port_be = destination.port.bigEndian
        withUnsafeMutableBytes(of: &addr) { destination.network.address.write(to: $0) }
    }

    var destination: Destination? {
        decode(prefixlen, port_be, withUnsafeBytes(of: addr) { IPAddress(family: .v6, bytes: $0) })
    }
}

/// nil: a key that we have not written.
private func decode(_ prefix: UInt32, _ portBE: UInt16, _ address: IPAddress) -> Destination? {
    guard prefix >= portBits else { return nil }
    guard let network = CIDR(address: address, prefixLength: Int(prefix) - portBits) else { return nil }
    return Destination(network: network, port: UInt16(bigEndian: portBE))
}

extension mb_rule {
    init(_ verdict: RuleVerdict) {
        self.init()
        id = verdict.id
        path = UInt8(verdict.path.kernel.rawValue)
        when_down = UInt8((verdict.whenDown == .refuse ? MB_DOWN_REFUSE : MB_DOWN_DIRECT).rawValue)
        model = verdict.model
    }

    var verdict: RuleVerdict {
        RuleVerdict(
            id: id, path: CaptureRule.Path.allCases.first { UInt8($0.kernel.rawValue) == path } ?? .proxy,
            whenDown: when_down == UInt8(MB_DOWN_REFUSE.rawValue) ? .refuse : .direct, model: model)
    }
}

extension CaptureRule.Path {
    fileprivate var kernel: mb_path {
        switch self {
        case .proxy: MB_PATH_PROXY
        case .direct: MB_PATH_DIRECT
        case .deny: MB_PATH_DENY
        }
    }
}
