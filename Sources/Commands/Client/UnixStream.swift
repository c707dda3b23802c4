internal import Glibc

/// A connected Unix stream socket, closed with its owner. Every wait has a deadline.
package struct UnixStream: ~Copyable {
    private let descriptor: Int32

    /// Connects to the socket at `path`.
    package init(connectingTo path: String, by deadline: Deadline) throws(ClientError) {
        descriptor = try Self.connected(to: path, by: deadline)
    }

    deinit { _ = close(descriptor) }

    /// The process that listens, as the kernel knows it; nil when it is not of this pid namespace.
    package borrowing func peerProcess() -> Int32? {
        // struct ucred, which needs _GNU_SOURCE: process, user, group.
        var credentials: [3 of Int32] = .init(repeating: 0)
        var size = socklen_t(MemoryLayout.size(ofValue: credentials))
        guard getsockopt(descriptor, SOL_SOCKET, SO_PEERCRED, &credentials, &size) == 0, credentials[0] > 0 else { return nil }
        return credentials[0]
    }

    /// Sends all of `bytes`, unless the other side has closed: its last words may be there to read.
    package borrowing func send(_ bytes: [UInt8], by deadline: Deadline) throws(ClientError) {
        var sent = 0
        while sent < bytes.count {
            let count = bytes[sent...].withUnsafeBytes {
                Glibc::send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL) | Int32(MSG_DONTWAIT))
            }
            let code = errno
            if count > 0 {
                sent += count
            } else if code == EAGAIN {
                try wait(for: Int16(POLLOUT), by: deadline)
            } else if code == EPIPE || code == ECONNRESET {
                return
            } else if code != EINTR {
                throw .system(operation: "cannot write to the agent", code: code)
            }
        }
    }

    /// Appends what has come to `assembler`, and waits for something if nothing has.
    ///
    /// - Parameter deadline: nil waits for ever.
    /// - Returns: false when the other side has closed.
    package borrowing func receive(into assembler: inout LineAssembler, by deadline: Deadline?) throws(ClientError) -> Bool {
        var chunk = [UInt8](repeating: 0, count: 64 << 10)
        var wasReset = false
        while true {
            try wait(for: Int16(POLLIN), by: deadline)
            let count = recv(descriptor, &chunk, chunk.count, Int32(MSG_DONTWAIT))
            let code = errno
            if count > 0 {
                assembler.append(chunk[..<count])
                return true
            }
            if count == 0 || (code == ECONNRESET && wasReset) { return false }
            // A peer that closed without reading everything resets, but what it had sent still stands behind that.
            wasReset = code == ECONNRESET
            guard wasReset || code == EAGAIN || code == EINTR else {
                throw .system(operation: "cannot read from the agent", code: code)
            }
        }
    }

    private borrowing func wait(for events: Int16, by deadline: Deadline?) throws(ClientError) {
        while true {
            var entry = pollfd(fd: descriptor, events: events, revents: 0)
            let ready = poll(&entry, 1, deadline?.remainingMilliseconds ?? -1)
            let code = errno
            if ready > 0 { return }
            if ready == 0 { throw .timedOut }
            guard code == EINTR else { throw .system(operation: "poll", code: code) }
        }
    }
}

extension UnixStream {
    /// A descriptor is closed here on every way out but success: an initializer that throws runs no deinit.
    private static func connected(to path: String, by deadline: Deadline) throws(ClientError) -> Int32 {
        guard var address = socketAddress(path) else { throw .system(operation: "\(path)", code: ENAMETOOLONG) }
        let descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { throw .system(operation: "socket", code: errno) }
        // A full backlog makes connect() block; it honours the send time-out.
        let patience = deadline.remainingMilliseconds
        var limit = timeval(tv_sec: Int(patience) / 1000, tv_usec: Int(patience) % 1000 * 1000)
        setsockopt(descriptor, SOL_SOCKET, SO_SNDTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
        let result = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
        let code = errno
        if result == 0 { return descriptor }
        _ = close(descriptor)
        switch code {
        case ENOENT, ECONNREFUSED, ENOTDIR: throw .notRunning(socket: path)
        case EACCES, EPERM: throw .notPermitted(socket: path)
        case EAGAIN, EINTR: throw .timedOut
        default: throw .system(operation: "cannot connect to \(path)", code: code)
        }
    }

    private static func socketAddress(_ path: String) -> sockaddr_un? {
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        let fits = withUnsafeMutableBytes(of: &address.sun_path) { room in
            guard path.utf8.count < room.count else { return false }
            room.copyBytes(from: path.utf8)
            return true
        }
        return fits ? address : nil
    }
}
