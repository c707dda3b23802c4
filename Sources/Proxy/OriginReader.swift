import CBrokerABI
import Catalog
import Control
import Flow
import Glibc
import Reactor

/// Asks the kernel plane who opened an accepted connection and whereto.
enum OriginReader {
    /// The caller of a captured connection; nil when it came to the capture listener by itself.
    static func caller(_ socket: Int32, from peer: SocketAddress, _ configuration: ProxyConfiguration) -> Caller? {
        var origin = mb_origin()
        var length = socklen_t(MemoryLayout<mb_origin>.size)
        guard getsockopt(socket, MB_SOL_MODELBROKER, MB_SO_ORIGIN, &origin, &length) == 0,
            length == MemoryLayout<mb_origin>.size
        else { return nil }
        let family: IPAddress.Family = origin.family == UInt32(MB_AF_INET6) ? .v6 : .v4
        let ip = withUnsafeBytes(of: origin.addr) { IPAddress(family: family, bytes: $0) }
        let dialled = SocketAddress(ip: ip, port: UInt16(bigEndian: origin.port_be))
        var caller = Caller(entrance: .capture, address: peer, dialled: dialled)
        caller.rule = origin.rule
        // A rule that a reload took away while this connection was on its way: go on as if nothing were known.
        let rule = configuration.rule(origin.rule)
        caller.unknown = rule?.unknown ?? .relay
        caller.opaque = rule?.opaque ?? .relay
        caller.model = rule?.model ?? ""
        caller.onConflict = rule?.onConflict ?? .deny
        caller.isForeign = UInt32(origin.flags) & MB_ORIGIN_FOREIGN_NETNS != 0
        caller.pid = origin.pid
        caller.uid = origin.uid
        caller.cgroup = origin.cgroup
        caller.netnsCookie = origin.netns_cookie
        caller.command = withUnsafeBytes(of: origin.comm) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
        caller.clientNumber = origin.client
        caller.client = configuration.clientName(origin.client)
        return caller
    }
}
