/// What an update of a tree has done, in numbers of classes.
package struct QdiscChange: Hashable, Sendable {
    package var added = 0
    package var changed = 0
    package var removed = 0

    package init() {}

    package var isEmpty: Bool { self == QdiscChange() }
}

extension QdiscTree {
    /// Brings a tree that stands to a plan, class by class: those that need no change are not touched, and what waits in
    /// them stays. A class that goes takes what waits in it along; its sockets' packets go to 1:2 from then on.
    @discardableResult
    package func update(to plan: QdiscPlan) throws(KernelPlaneError) -> QdiscChange {
        var control = try TrafficControl(device: device)
        let step = QdiscStep(plan: plan, classes: try control.classes(of: Self.handle), qdiscs: try control.qdiscs())
        // Those that give come before those that get, so that the assured rates never add up to more than the device's.
        for form in step.shrunk { try control.replace(form) }
        for minor in step.removed { try control.deleteClass(minor) }
        for form in step.grown + step.added { try control.replace(form) }
        var leaf = step.leaf
        for form in step.filled { leaf = try Self.fill(form, leaf, &control) }
        return step.change
    }

    /// What the tree's classes have done, by minor number.
    package func readings() throws(KernelPlaneError) -> [QdiscClassReading] {
        let control = try TrafficControl(device: device)
        return try control.classes(of: Self.handle).map(\.reading).sorted { $0.form.minor < $1.form.minor }
    }
}

/// What has to be done to a tree: the difference between a plan and what stands.
struct QdiscStep {
    /// Changed, with an assured rate that does not grow, and the other changed ones.
    var shrunk: [QdiscClass]
    var grown: [QdiscClass]
    var added: [QdiscClass]
    /// Classes that lack their queue, or have one of another length.
    var filled: [QdiscClass]
    var removed: [UInt32]
    /// The kind of queue that the tree has; nil: none yet.
    var leaf: LeafKind?

    init(plan: QdiscPlan, classes: [ClassDescription], qdiscs: [QdiscDescription]) {
        let standing = Dictionary(classes.map { ($0.reading.form.minor, $0) }) { first, _ in first }
        let leaves = Dictionary(qdiscs.map { ($0.handle, $0) }) { first, _ in first }
        let wanted = Set(plan.classes.map(\.minor))
        added = plan.classes.filter { standing[$0.minor] == nil }
        let changed = plan.classes.filter { form in standing[form.minor].map { !form.equals($0.reading.form) } ?? false }
        shrunk = changed.filter { !$0.grows(from: standing[$0.minor]) }
        grown = changed.filter { $0.grows(from: standing[$0.minor]) }
        filled = plan.classes.filter { form in
            guard form.minor != QdiscClass.device else { return false }
            guard let leaf = standing[form.minor]?.leaf, leaf == QdiscTree.leafHandle(form.minor), let queue = leaves[leaf] else {
                return true
            }
            return queue.packetLimit.map { $0 != form.packetLimit } ?? false
        }
        removed = standing.keys.filter { !wanted.contains($0) }.sorted()
        leaf = leaves[QdiscTree.leafHandle(QdiscClass.others)].flatMap { LeafKind(rawValue: $0.kind) }
    }

    var change: QdiscChange {
        var change = QdiscChange()
        change.added = added.count
        change.changed = shrunk.count + grown.count
        change.removed = removed.count
        return change
    }
}

extension QdiscClass {
    /// Whether the kernel has it so. A class with others below it keeps no quantum and no priority.
    fileprivate func equals(_ other: QdiscClass) -> Bool {
        guard minor == Self.device else { return self == other }
        return rate == other.rate && ceil == other.ceil && buffer == other.buffer && ceilBuffer == other.ceilBuffer
    }

    fileprivate func grows(from standing: ClassDescription?) -> Bool { rate > standing?.reading.form.rate ?? 0 }
}
