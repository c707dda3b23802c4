internal import Catalog
internal import Glibc

/// One attempt to connect. The connection is never used: it is reset as soon as it stands, which leaves nothing behind on
/// either side.
final class Probe {
    enum Outcome: Hashable, Sendable {
        case answered
        case refused(reason: String)
        /// This node cannot ask now.
        case unknown(reason: String)
    }

    enum Start {
        case underWay(Probe)
        case decided(Outcome)
    }

    /// What fails for want of something here.
    private static let ours: Set<Int32> = [EMFILE, ENFILE, ENOBUFS, ENOMEM, EAGAIN, EADDRNOTAVAIL, EPERM, EACCES]

    let address: SocketAddress
    let descriptor: Int32

    private init(_ address: SocketAddress, _ descriptor: Int32) {
        self.address = address
        self.descriptor = descriptor
    }

    deinit { close(descriptor) }

    static func start(_ address: SocketAddress) -> Start {
        let family = address.ip.family == .v4 ? AF_INET : AF_INET6
        let type = Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue) | Int32(SOCK_NONBLOCK.rawValue)
        let descriptor = socket(family, type, 0)
        guard descriptor >= 0 else { return .decided(.unknown(reason: SystemError.text(errno))) }
        let probe = Probe(address, descriptor)
        var reset = linger(l_onoff: 1, l_linger: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_LINGER, &reset, socklen_t(MemoryLayout<linger>.size))
        // Where it stands at once, it is reported ready at once.
        if address.withNative({ connect(descriptor, $0, $1) }) == 0 { return .underWay(probe) }
        let code = errno
        return code == EINPROGRESS ? .underWay(probe) : .decided(outcome(code))
    }

    /// After the descriptor was reported ready.
    var outcome: Outcome {
        var code: Int32 = 0
        var size = socklen_t(MemoryLayout<Int32>.size)
        guard getsockopt(descriptor, SOL_SOCKET, SO_ERROR, &code, &size) == 0 else { return Self.outcome(errno) }
        return Self.outcome(code)
    }

    private static func outcome(_ code: Int32) -> Outcome {
        if code == 0 { return .answered }
        let reason = SystemError.text(code)
        return ours.contains(code) ? .unknown(reason: reason) : .refused(reason: reason)
    }
}
