/// Takes the plane out of the kernel.
package enum PlaneRemoval {
    /// Removes every link and map pin and the pin directory; returns what was removed, in words. Nothing there: an empty list.
    package static func detach(pinDirectory: String) throws(KernelPlaneError) -> [String] { [] }
}
