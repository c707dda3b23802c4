/// Reads the pinned objects, with the agent up or down.
package final class PlaneInspector: Sendable {
    init() {}
    package init(pinDirectory: String) throws(KernelPlaneError) {}
    /// Names of `enum mb_counter` in lower camel case, summed over CPUs.
    package func counters() throws(KernelPlaneError) -> [(name: String, value: UInt64)] { [] }
    package func ruleCounters(_ id: UInt32) throws(KernelPlaneError) -> RuleCounters { RuleCounters() }
    package func rules() throws(KernelPlaneError) -> [KernelRule] { [] }
    package func settings() throws(KernelPlaneError) -> PlaneSettings {
        PlaneSettings(generation: 0, hostNetnsCookie: 0, targets: [])
    }
    package func workloads() throws(KernelPlaneError) -> [UInt64: WorkloadEntry] { [:] }
    /// By `ListenerSlot`: does somebody listen?
    package func listeners() throws(KernelPlaneError) -> [Bool] { [] }
    package func programs() throws(KernelPlaneError) -> [ProgramInfo] { [] }
    package func maps() throws(KernelPlaneError) -> [MapInfo] { [] }
    /// Every entry, field by field.
    package func dump(map: String) throws(KernelPlaneError) -> [[(String, String)]] { [] }
}
