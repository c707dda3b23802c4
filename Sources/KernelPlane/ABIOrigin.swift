internal import CBPFShim
import Catalog

extension Origin {
    /// nil: a record that we have not written (an unknown family).
    init?(_ raw: mb_origin) {
        guard let family = IPAddress.Family(kernel: raw.family) else { return nil }
        let ip = withUnsafeBytes(of: raw.addr) { IPAddress(family: family, bytes: $0) }
        self.init(
            dialled: SocketAddress(ip: ip, port: UInt16(bigEndian: raw.port_be)),
            mapped: raw.flags & UInt16(MB_ORIGIN_MAPPED) != 0, rule: raw.rule, client: raw.client, pid: raw.pid,
            uid: raw.uid, cgroup: raw.cgroup, workload: raw.workload, netnsCookie: raw.netns_cookie,
            foreignNetns: raw.flags & UInt16(MB_ORIGIN_FOREIGN_NETNS) != 0, socketCookie: raw.socket_cookie,
            timeNanoseconds: raw.time_ns, command: printable(raw.comm), model: raw.model, endpoint: raw.endpoint,
            direct: raw.flags & UInt16(MB_ORIGIN_DIRECT) != 0)
    }
}

extension KernelEvent {
    /// nil: not a record of ours, or of a kind that this version does not know.
    init?(_ bytes: UnsafeRawBufferPointer) {
        guard bytes.count >= MemoryLayout<mb_event>.size else { return nil }
        let raw = bytes.loadUnaligned(as: mb_event.self)
        guard let kind = Kind(rawValue: raw.kind), let origin = Origin(raw.origin) else { return nil }
        if kind == .limited && LimitReason(rawValue: UInt32(raw.reason)) == nil { return nil }
        self.init(kind: kind, origin: origin, reason: LimitReason(rawValue: UInt32(raw.reason)), observed: raw.observed != 0)
    }
}

extension IPAddress.Family {
    init?(kernel family: UInt32) {
        switch family {
        case UInt32(MB_AF_INET): self = .v4
        case UInt32(MB_AF_INET6): self = .v6
        default: return nil
        }
    }
}

/// A C string of fixed room. A process chooses its own name, so what could steer a terminal is shown as `?`.
func printable<Room>(_ room: Room) -> String {
    withUnsafeBytes(of: room) { bytes in
        let text = String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
        return String(
            String.UnicodeScalarView(text.unicodeScalars.map { $0.value < 0x20 || (0x7f...0x9f).contains($0.value) ? "?" : $0 }))
    }
}
