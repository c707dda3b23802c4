package import Catalog

/// Our programs and maps in the kernel.
package final class KernelPlane: Sendable {
    package let adopted = false

    /// Loads the programs; adopts what is pinned, or makes and pins it.
    package static func open(_ location: PlaneLocation) throws(KernelPlaneError) -> KernelPlane {
        throw KernelPlaneError(operation: "open", object: location.pinDirectory, hint: "not written yet")
    }

    package func apply(settings: PlaneSettings, rules: [CaptureRule], workloads: [UInt64: WorkloadEntry]) throws(KernelPlaneError) {
    }
    package func setWorkload(_ cgroup: UInt64, _ entry: WorkloadEntry) throws(KernelPlaneError) {}
    package func removeWorkload(_ cgroup: UInt64) throws(KernelPlaneError) {}
    /// Of the `listeners` map, to pass to the proxy; owned by the plane.
    package var listenersDescriptor: Int32 { -1 }
    package func inspector() -> PlaneInspector { PlaneInspector() }
    /// Waits for events at most so long (-1: for ever) and hands each over; an interrupted wait is no error.
    package func pollEvents(timeoutMilliseconds: Int32, _ body: (KernelEvent) -> Void) throws(KernelPlaneError) {}
}
