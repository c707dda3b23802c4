internal import Catalog
internal import Glibc

extension SocketAddress {
    /// Reads the kernel's form; nil for families other than IPv4 and IPv6.
    init?(_ native: UnsafePointer<sockaddr>) {
        let raw = UnsafeRawPointer(native)
        switch Int32(native.pointee.sa_family) {
        case AF_INET:
            let address = raw.loadUnaligned(as: sockaddr_in.self)
            let ip = withUnsafeBytes(of: address.sin_addr) { IPAddress(family: .v4, bytes: $0) }
            self.init(ip: ip, port: UInt16(bigEndian: address.sin_port))
        case AF_INET6:
            let address = raw.loadUnaligned(as: sockaddr_in6.self)
            let ip = withUnsafeBytes(of: address.sin6_addr) { IPAddress(family: .v6, bytes: $0) }
            self.init(ip: ip, port: UInt16(bigEndian: address.sin6_port))
        default: return nil
        }
    }

    /// Calls the body with the kernel's form.
    func withNative<Result>(_ body: (UnsafePointer<sockaddr>, socklen_t) -> Result) -> Result {
        switch ip.family {
        case .v4:
            var address = sockaddr_in()
            address.sin_family = sa_family_t(AF_INET)
            address.sin_port = port.bigEndian
            withUnsafeMutableBytes(of: &address.sin_addr) { fill($0) }
            return Self.pass(&address, body)
        case .v6:
            var address = sockaddr_in6()
            address.sin6_family = sa_family_t(AF_INET6)
            address.sin6_port = port.bigEndian
            withUnsafeMutableBytes(of: &address.sin6_addr) { fill($0) }
            return Self.pass(&address, body)
        }
    }

    private func fill(_ bytes: UnsafeMutableRawBufferPointer) {
        for index in bytes.indices { bytes[index] = ip.byte(index) }
    }

    private static func pass<Native, Result>(
        _ native: inout Native, _ body: (UnsafePointer<sockaddr>, socklen_t) -> Result
    ) -> Result {
        withUnsafeBytes(of: &native) { bytes in
            bytes.withMemoryRebound(to: sockaddr.self) { view in
                guard let base = view.baseAddress else { preconditionFailure("a socket address has bytes") }
                return body(base, socklen_t(bytes.count))
            }
        }
    }
}
