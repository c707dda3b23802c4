internal import Catalog
private import Glibc
private import KernelPlane

/// The addresses by which pods reach the proxy. One that the node has not got is added to `lo`.
enum PodAddresses {
    /// Makes sure that the node has the address. Returns whether it had to be added.
    static func ensure(_ address: IPAddress) throws(AgentError) -> Bool {
        if present().contains(address) { return false }
        do {
            return try LoopbackAddress.add(address)
        } catch {
            throw AgentError("node.podAddress \(address): \(error)")
        }
    }

    /// Takes an address off `lo`. It is no error if it is gone.
    static func remove(_ address: IPAddress) { _ = try? LoopbackAddress.remove(address) }

    /// All addresses that the node's interfaces have.
    static func present() -> Set<IPAddress> {
        var list: UnsafeMutablePointer<ifaddrs>?
        guard getifaddrs(&list) == 0 else { return [] }
        defer { freeifaddrs(list) }
        var found: Set<IPAddress> = []
        var next = list
        while let entry = next {
            if let address = entry.pointee.ifa_addr, let ip = SocketAddress(address)?.ip { found.insert(ip) }
            next = entry.pointee.ifa_next
        }
        return found
    }
}
