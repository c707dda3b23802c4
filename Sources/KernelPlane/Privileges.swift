/// Giving up what is no longer needed.
package enum Privileges {
    /// Drops every capability but these from the permitted, effective and bounding sets of this process and clears the
    /// inheritable and ambient ones. Capabilities belong to threads: call it while there is only one.
    package static func keepOnly(_ kept: [Capability]) throws(KernelPlaneError) {}
}
