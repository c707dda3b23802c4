internal import CBPFShim
package import Catalog
import Glibc

/// Addresses on the host's `lo`, by which pods reach the proxy. Takes CAP_NET_ADMIN.
package enum LoopbackAddress {
    /// True if it was added, false if it was there already.
    @discardableResult
    package static func add(_ address: IPAddress) throws(KernelPlaneError) -> Bool {
        try change(address, "add", mb_lo_address_add)
    }

    /// True if it was removed, false if it was not there.
    @discardableResult
    package static func remove(_ address: IPAddress) throws(KernelPlaneError) -> Bool {
        try change(address, "remove", mb_lo_address_remove)
    }

    private static func change(
        _ address: IPAddress, _ operation: String, _ call: (Int32, UnsafeRawPointer) -> Int32
    ) throws(KernelPlaneError) -> Bool {
        let bytes = (0..<address.bitWidth / 8).map(address.byte)
        let result = bytes.withUnsafeBytes { raw in
            raw.baseAddress.map { call(address.family == .v4 ? AF_INET : AF_INET6, $0) } ?? -EINVAL
        }
        guard result < 0 else { return result == 1 }
        throw KernelPlaneError(operation: operation, object: "\(address) on lo", errno: -result)
    }
}
