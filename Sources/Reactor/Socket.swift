import CLinux
package import Catalog
package import Glibc

/// How a read or write on a non-blocking socket went.
package enum Transfer: Sendable {
    case bytes(Int)
    /// The peer sent FIN: reads only.
    case end
    case wouldBlock
    case failed(Int32)
}

/// A connection fresh from a listener.
package struct AcceptedSocket: ~Copyable {
    package let descriptor: Descriptor
    package let peer: SocketAddress

    package consuming func take() -> Descriptor { descriptor }
}

/// The TCP sockets of the data path: all are non-blocking.
package enum Socket {
    /// Opens a listener that shares its port with those of the other event loops (SO_REUSEPORT).
    package static func listen(_ address: SocketAddress) throws(SystemError) -> Descriptor {
        let socket = try open(address)
        try set(socket, SOL_SOCKET, SO_REUSEADDR, 1)
        try set(socket, SOL_SOCKET, SO_REUSEPORT, 1)
        if address.ip.family == .v6 { try set(socket, Int32(IPPROTO_IPV6), IPV6_V6ONLY, 1) }
        let bound = address.withSockaddr { bind(socket.number, $0, $1) }
        guard bound == 0 else { throw SystemError("bind", errno) }
        guard Glibc.listen(socket.number, 4096) == 0 else { throw SystemError("listen", errno) }
        return socket
    }

    /// Starts to connect; the socket gets writable when that has come to an end.
    package static func connect(_ address: SocketAddress) throws(SystemError) -> Descriptor {
        let socket = try open(address)
        setNoDelay(socket.number)
        let result = address.withSockaddr { Glibc.connect(socket.number, $0, $1) }
        let code = errno
        guard result == 0 || code == EINPROGRESS else { throw SystemError("connect", code) }
        return socket
    }

    /// The error of a connect that has come to an end; 0: connected.
    package static func connectError(_ number: Int32) -> Int32 {
        var code: Int32 = 0
        var length = socklen_t(MemoryLayout<Int32>.size)
        guard getsockopt(number, SOL_SOCKET, SO_ERROR, &code, &length) == 0 else { return errno }
        return code
    }

    /// Takes the next connection off a listener; nil: there is none now.
    package static func accept(_ listener: Int32) throws(SystemError) -> AcceptedSocket? {
        var storage = sockaddr_storage()
        while true {
            let number = clinux_accept(listener, &storage)
            if number >= 0 { return AcceptedSocket(descriptor: Descriptor(owning: number), peer: SocketAddress(storage)) }
            switch -number {
            case EAGAIN: return nil
            // The connection went away while it waited; the next one may be there.
            case EINTR, ECONNABORTED, EPROTO: continue
            default: throw SystemError("accept4", -number)
            }
        }
    }

    package static func receive(_ number: Int32, into buffer: UnsafeMutableRawBufferPointer) -> Transfer {
        while true {
            let count = recv(number, buffer.baseAddress, buffer.count, 0)
            if count > 0 { return .bytes(count) }
            if count == 0 { return .end }
            let code = errno
            if code == EINTR { continue }
            return code == EAGAIN ? .wouldBlock : .failed(code)
        }
    }

    package static func send(_ number: Int32, _ bytes: UnsafeRawBufferPointer) -> Transfer {
        while true {
            let count = Glibc.send(number, bytes.baseAddress, bytes.count, Int32(MSG_NOSIGNAL))
            if count >= 0 { return .bytes(count) }
            let code = errno
            if code == EINTR { continue }
            return code == EAGAIN ? .wouldBlock : .failed(code)
        }
    }

    /// Writes several pieces in one call.
    package static func send(_ number: Int32, _ pieces: UnsafeBufferPointer<iovec>) -> Transfer {
        while true {
            var message = msghdr()
            message.msg_iov = UnsafeMutablePointer(mutating: pieces.baseAddress)
            message.msg_iovlen = pieces.count
            let count = sendmsg(number, &message, Int32(MSG_NOSIGNAL))
            if count >= 0 { return .bytes(count) }
            let code = errno
            if code == EINTR { continue }
            return code == EAGAIN ? .wouldBlock : .failed(code)
        }
    }

    package static func setNoDelay(_ number: Int32) {
        var on: Int32 = 1
        _ = setsockopt(number, Int32(IPPROTO_TCP), TCP_NODELAY, &on, socklen_t(MemoryLayout<Int32>.size))
    }

    /// SO_PRIORITY; nil when the socket is gone.
    package static func priority(_ number: Int32) -> Int32? {
        var value: Int32 = 0
        var length = socklen_t(MemoryLayout<Int32>.size)
        return getsockopt(number, SOL_SOCKET, SO_PRIORITY, &value, &length) == 0 ? value : nil
    }

    /// - Parameter priority: up to 6; more needs a capability.
    package static func setPriority(_ number: Int32, _ priority: Int32) {
        var value = priority
        _ = setsockopt(number, SOL_SOCKET, SO_PRIORITY, &value, socklen_t(MemoryLayout<Int32>.size))
    }

    /// Nothing goes either way any more.
    package static func shutdownBoth(_ number: Int32) {
        _ = shutdown(number, Int32(SHUT_RDWR))
    }

    /// Sends FIN after what was written.
    package static func shutdownWrite(_ number: Int32) {
        _ = shutdown(number, Int32(SHUT_WR))
    }

    /// Makes the coming close a reset (SO_LINGER with no time).
    package static func resetOnClose(_ number: Int32) {
        var linger = linger(l_onoff: 1, l_linger: 0)
        _ = setsockopt(number, SOL_SOCKET, SO_LINGER, &linger, socklen_t(MemoryLayout.size(ofValue: linger)))
    }

    /// Everything written has been acknowledged by the peer, or never will be.
    package static func isDelivered(_ number: Int32) -> Bool { clinux_unacknowledged(number) <= 0 }

    private static func open(_ address: SocketAddress) throws(SystemError) -> Descriptor {
        let family = address.ip.family == .v4 ? AF_INET : AF_INET6
        let type = Int32(SOCK_STREAM.rawValue | SOCK_NONBLOCK.rawValue | SOCK_CLOEXEC.rawValue)
        let number = socket(family, type, 0)
        let code = errno
        guard number >= 0 else { throw SystemError("socket", code) }
        return Descriptor(owning: number)
    }

    private static func set(_ socket: borrowing Descriptor, _ level: Int32, _ name: Int32, _ value: Int32) throws(SystemError) {
        var value = value
        guard setsockopt(socket.number, level, name, &value, socklen_t(MemoryLayout<Int32>.size)) == 0 else {
            throw SystemError("setsockopt", errno)
        }
    }
}
