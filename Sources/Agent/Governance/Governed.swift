internal import Catalog
internal import KernelPlane

/// What the kernel plane holds of a catalogue's models.
///
/// It is filled in two steps, so that neither a rule nor the proxy ever refers to an entry that is gone: `admitted` adds
/// and changes, everybody is told the slots, `settle` takes away what nobody refers to any more.
struct Governed: Sendable {
    private(set) var governance: Governance
    /// Of each model that has one.
    private(set) var slots: [String: UInt32] = [:]
    /// Who may call what, as it was applied last.
    private var access: [AccessEntry] = []
    /// Models that could not do without a slot and have none.
    private(set) var without: [String] = []
    /// Models that went, and with them values set by hand. Whoever tells of them takes them out.
    private(set) var droppedOverrides: [String] = []
    /// Why the kernel did not take it; nil: it did.
    private(set) var fault: String?
    /// Somebody refers to slots that have changed since.
    private(set) var isBehind = false

    /// Something is left to be done, and trying again may do it.
    var isUnfinished: Bool { fault != nil || isBehind || !without.isEmpty }

    private init(_ governance: Governance) { self.governance = governance }

    /// The first step, at a start: what fails is a reason to say so and to try again, not to leave the node without a broker.
    static func admitted(_ catalog: Catalog, to plane: KernelPlane) -> Governed {
        do {
            return try changed(catalog, in: plane)
        } catch {
            var governed = Governed(Governance(catalog))
            governed.fault = "\(error)"
            return governed
        }
    }

    /// The first step of a change.
    static func changed(_ catalog: Catalog, in plane: KernelPlane) throws(KernelPlaneError) -> Governed {
        let held = try plane.qos.models()
        let handmade = Set(held.filter { !$0.live.isEmpty }.map(\.name))
        var governed = Governed(Governance(catalog, keeping: handmade))
        let former = held.map { ModelEntry(name: $0.name, qos: $0.configured, isPrivate: $0.isPrivate) }
        try governed.admit(governed.governance.joined(with: former) ?? governed.governance.entries, plane)
        return governed
    }

    /// The second step.
    mutating func settle(_ plane: KernelPlane) {
        guard fault == nil else { return }
        let told = slots
        do {
            try apply(governance.access(slots, epoch: Int64(clamping: Clocks.epochSeconds())), plane)
            try admit(governance.entries, plane)
            isBehind = slots != told
        } catch {
            fault = "\(error)"
        }
    }

    /// Applies who may call what now, if it is not what is in force.
    mutating func reviewAccess(_ plane: KernelPlane, epoch: Int64) {
        guard fault == nil else { return }
        let entries = governance.access(slots, epoch: epoch)
        guard entries != access else { return }
        do { try apply(entries, plane) } catch { fault = "\(error)" }
    }

    private mutating func apply(_ entries: [AccessEntry], _ plane: KernelPlane) throws(KernelPlaneError) {
        try plane.apply(access: entries)
        access = entries
    }

    /// Puts the entries back as they were.
    func restore(_ plane: KernelPlane) throws(KernelPlaneError) {
        _ = try plane.apply(models: governance.entries, classed: governance.isClassed)
    }

    /// The models to tell of.
    mutating func takeDroppedOverrides() -> [String] {
        defer { droppedOverrides = [] }
        return droppedOverrides
    }

    private mutating func admit(_ entries: [ModelEntry], _ plane: KernelPlane) throws(KernelPlaneError) {
        let outcome = try plane.apply(models: entries, classed: governance.isClassed)
        let ours = Set(governance.entries.map(\.name))
        slots = outcome.byName.filter { ours.contains($0.key) }
        droppedOverrides += outcome.droppedOverrides
        without = governance.crowdedOut + governance.needy(outcome.without)
    }
}
