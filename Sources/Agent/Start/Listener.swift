internal import Catalog
internal import Glibc

/// Listening sockets, opened while the agent still may: the descriptors are then handed to whoever serves them.
enum Listener {
    /// A Unix socket at a path, in the place of whatever is left there. Mode 0600, owned by `owner`.
    static func unix(_ path: String, owner: uid_t) throws(AgentError) -> Int32 {
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        let bytes = Array(path.utf8)
        guard bytes.count < MemoryLayout.size(ofValue: address.sun_path) else {
            throw AgentError("\(path) is too long for a socket's name; choose a shorter --run-dir")
        }
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: bytes) }
        unlink(path)
        return try open(AF_UNIX, path) { descriptor in
            // The mode of the descriptor is the mode that bind gives the file, so it is never open to others.
            guard fchmod(descriptor, 0o600) == 0 else { return false }
            let bound = withUnsafePointer(to: &address) { pointer in
                pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                    bind(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
                }
            }
            return bound == 0 && (owner == 0 || chown(path, owner, gid_t.max) == 0)
        }
    }

    static func tcp(_ address: SocketAddress) throws(AgentError) -> Int32 {
        try open(address.ip.family == .v4 ? AF_INET : AF_INET6, address.description) { descriptor in
            var one: Int32 = 1
            let size = socklen_t(MemoryLayout<Int32>.size)
            setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &one, size)
            if address.ip.family == .v6 { setsockopt(descriptor, Int32(IPPROTO_IPV6), IPV6_V6ONLY, &one, size) }
            return address.withNative { bind(descriptor, $0, $1) == 0 }
        }
    }

    private static func open(_ family: Int32, _ name: String, bind: (Int32) -> Bool) throws(AgentError) -> Int32 {
        let descriptor = socket(family, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { throw AgentError(SystemError("make a socket for", name)) }
        guard bind(descriptor), listen(descriptor, 128) == 0 else {
            let error = SystemError("listen on", name)
            close(descriptor)
            throw AgentError(error)
        }
        return descriptor
    }
}
