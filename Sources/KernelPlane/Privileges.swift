internal import CBPFShim

/// Giving up what is no longer needed.
package enum Privileges {
    /// Drops every capability but these from the permitted, effective and bounding sets and clears the inheritable and
    /// ambient ones. Capabilities belong to threads: call it while there is only one. Those that the process lacks stay
    /// lacking. Takes CAP_SETPCAP.
    package static func keepOnly(_ kept: [Capability]) throws(KernelPlaneError) {
        let set = kept.reduce(UInt64(0)) { $0 | 1 << UInt64($1.rawValue) }
        let result = mb_caps_keep(set)
        guard result < 0 else { return }
        throw KernelPlaneError(operation: "drop", object: "capabilities", errno: -result)
    }
}
