internal import KernelPlane

extension DirectPlane {
    /// The node's kernel plane. It has no maps of endpoints yet: what it is told is known to the agent alone.
    init(_ plane: KernelPlane) {
        self.init(apply: { _ in }, setUsable: { _, _, _ in })
    }
}
