internal import Catalog
internal import KernelPlane

/// What the path direct needs of the kernel plane; a test has its own.
struct DirectPlane: Sendable {
    struct Member: Hashable, Sendable {
        let address: SocketAddress
        let weight: UInt16
        let usable: Bool
    }

    /// By slot of the model.
    typealias Sets = [UInt32: [Member]]

    var apply: @Sendable (Sets) throws(KernelPlaneError) -> Void
    /// Of an endpoint of the model in the slot.
    var setUsable: @Sendable (Bool, SocketAddress, UInt32) throws(KernelPlaneError) -> Void
}
