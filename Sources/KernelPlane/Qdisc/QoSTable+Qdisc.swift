internal import BPF

extension QoSTable {
    /// How often any entry has changed. A word in shared memory: costs next to nothing to look at.
    package var changes: UInt64 { table.version(0) }

    /// What a tree has to know: all models that have a slot, with what is in force.
    package func qdiscModels() throws(KernelPlaneError) -> [QdiscModel] {
        let lock = try table.lock(.shared)
        defer { withExtendedLifetime(lock) {} }
        return table.names().map { name, slot in QdiscModel(slot: slot, name: name, qos: table.inForce(slot).qos) }
            .sorted { $0.slot < $1.slot }
    }
}
