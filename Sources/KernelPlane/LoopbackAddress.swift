package import Catalog

/// Addresses on the host's `lo`, by which pods reach the proxy.
package enum LoopbackAddress {
    /// True if it was added, false if it was there already.
    package static func add(_ address: IPAddress) throws(KernelPlaneError) -> Bool { false }
    /// True if it was removed, false if it was not there.
    package static func remove(_ address: IPAddress) throws(KernelPlaneError) -> Bool { false }
}
