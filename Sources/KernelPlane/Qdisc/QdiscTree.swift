private import Glibc

/// The HTB tree on a network device of this namespace: built, kept in step with a plan, read and taken away again. Takes
/// CAP_NET_ADMIN for all but reading. Nothing is kept open between calls; the kernel and `QdiscRecord` know the rest.
package struct QdiscTree: Hashable, Sendable {
    /// Of the HTB qdisc: 1:.
    package static let handle: UInt32 = 1 << 16

    package let device: String

    package init(device: String) { self.device = device }

    /// The class of the model in this slot, and the SO_PRIORITY that sends a socket's packets there. The priority is lost
    /// where a packet leaves a network namespace, so it acts on sockets of the device's own: the proxy's above all.
    package static func classID(slot: UInt32) -> UInt32 { handle | (slot + QdiscClass.firstModel) }

    /// The qdisc in a class is named after it, so that it is found again.
    static func leafHandle(_ minor: UInt32) -> UInt32 { minor << 16 }

    /// What stands there.
    ///
    /// - Parameter recorded: a tree has been put on this device; then one that is not complete is taken for ours too.
    /// - Throws: there is no such device.
    package func standing(recorded: Bool) throws(KernelPlaneError) -> StandingQdisc {
        let control = try TrafficControl(device: device)
        let qdiscs = try control.qdiscs()
        let root = qdiscs.first(where: \.isRoot)
        let treeStands = root?.looksLikeOurs == true ? Self.isOurs(try control.classes(of: Self.handle)) : false
        let hasFilters = if let root, root.handle != 0 { try control.hasFilters(root.handle) } else { false }
        return StandingQdisc(qdiscs, recorded: recorded, treeStands: treeStands, hasFilters: hasFilters)
    }

    /// Why the device can't be taken and what to do, as a sentence.
    package func refusal(_ standing: String) -> String {
        "the device \(device) has the qdisc \(standing), which could not be put back as it was; "
            + "remove it with `tc qdisc del dev \(device) root`, or name another device"
    }

    /// Puts the tree on the device, in the place of what stands there. On an error that comes back.
    package func build(_ plan: QdiscPlan, over former: FormerQdisc?) throws(KernelPlaneError) {
        var control = try TrafficControl(device: device)
        do {
            // A qdisc can't be replaced by one of another kind under the same handle.
            if former?.handle == Self.handle { try control.deleteRoot(Self.handle) }
            try control.replaceRootWithHTB(rateToQuantum: plan.rateToQuantum)
            var leaf: LeafKind?
            for form in plan.classes {
                try control.replace(form)
                if form.minor != QdiscClass.device { leaf = try Self.fill(form, leaf, &control) }
            }
        } catch {
            _ = try? restore(former)
            throw error
        }
    }

    /// Takes the tree away and puts back what stood there before.
    ///
    /// - Parameter former: nil: the system's default.
    /// - Returns: false if the tree does not stand any more; then nothing is touched.
    /// - Throws: there is no such device, or what stood there could not be put back exactly; the tree is gone then.
    @discardableResult
    package func restore(_ former: FormerQdisc?) throws(KernelPlaneError) -> Bool {
        var control = try TrafficControl(device: device)
        guard try control.qdiscs().contains(where: \.looksLikeOurs) else { return false }
        if former == nil || former?.handle == Self.handle { try control.deleteRoot(Self.handle) }
        guard let former else { return true }
        do {
            try control.replaceRoot(former)
        } catch {
            // Better the system's default than a tree that nobody looks after.
            _ = try? control.deleteRoot(Self.handle)
            throw error
        }
        let now = try control.qdiscs().first(where: \.isRoot)
        guard now.flatMap({ FormerQdisc($0) }) == former else {
            throw KernelPlaneError(
                operation: "put back", object: "the qdisc \(former) on \(device)",
                hint: "the kernel made something else of it; look at it with `tc qdisc show dev \(device)`")
        }
        return true
    }

    /// A class of its own for everything else, below one for the device, and in it the qdisc that we put there.
    private static func isOurs(_ classes: [ClassDescription]) -> Bool {
        let device = classes.first { $0.reading.form.minor == QdiscClass.device }
        let others = classes.first { $0.reading.form.minor == QdiscClass.others }
        return others?.parent == handle | QdiscClass.device && others?.leaf == leafHandle(QdiscClass.others)
            && device?.parent == ClassDescription.outermost
    }

    /// Puts a qdisc into a class.
    ///
    /// - Parameter kind: that was found to work; nil: try them.
    static func fill(_ form: QdiscClass, _ kind: LeafKind?, _ control: inout TrafficControl) throws(KernelPlaneError) -> LeafKind
    {
        for candidate in kind.map({ [$0] }) ?? LeafKind.allCases {
            if try control.replaceLeaf(of: form.minor, candidate, limit: form.packetLimit) { return candidate }
        }
        throw KernelPlaneError(
            operation: "put", object: "a queue into a class on \(device(of: control))", errno: ENOENT,
            hint: "this kernel has no simple queue (CONFIG_NET_SCH_FIFO)")
    }

    private static func device(of control: borrowing TrafficControl) -> String { control.device }
}
