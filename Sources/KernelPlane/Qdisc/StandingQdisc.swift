/// What stands on a device.
package enum StandingQdisc: Hashable, Sendable {
    /// A tree of ours.
    case ours
    /// What the kernel chose, or nothing: it comes back by itself when ours is deleted. The kind, if there is one.
    case systemDefault(String?)
    /// Somebody's choice that can be put back exactly.
    case restorable(FormerQdisc)
    /// Somebody's choice that can't; what it is, in words.
    case foreign(String)

    /// - Parameters:
    ///   - recorded: we know that we have put a tree here, which may be half built.
    ///   - treeStands: its classes are those of a tree of ours.
    ///   - hasFilters: at the root.
    init(_ qdiscs: [QdiscDescription], recorded: Bool, treeStands: Bool, hasFilters: Bool) {
        guard let root = qdiscs.first(where: \.isRoot) else {
            self = .systemDefault(nil)
            return
        }
        if root.looksLikeOurs, recorded || treeStands {
            self = .ours
            return
        }
        // The kernel gives handles to nobody but who asks for a qdisc.
        let chosen = qdiscs.contains { !$0.isRoot && !$0.isIngress && $0.handle != 0 }
        let name = root.kind + (root.handle == 0 ? "" : " \(FormerQdisc.text(root.handle))")
        if chosen {
            self = .foreign("\(name) with qdiscs in it")
        } else if root.handle == 0 {
            self = .systemDefault(root.kind)
        } else if hasFilters {
            self = .foreign("\(name) with filters")
        } else if let former = FormerQdisc(root) {
            self = .restorable(former)
        } else {
            self = .foreign(name)
        }
    }
}

extension QdiscDescription {
    /// Handle and default class of a tree of ours.
    var looksLikeOurs: Bool {
        isRoot && kind == "htb" && handle == QdiscTree.handle && defaultClass == QdiscClass.others
    }
}
