internal import BPF
internal import CBPFShim
internal import Catalog
import Glibc

/// Everything here is for the holder of the exclusive lock.
extension ModelTable {
    /// Puts an entry in force in one step: the copy that nobody reads is filled, then the version raised. The same entry
    /// as before raises nothing. True if something changed.
    @discardableResult
    func publish(_ slot: UInt32, file: QoS, live: QoS, isPrivate: Bool) -> Bool {
        let model = model(slot)
        let version = version(slot)
        let old = inForce(slot)
        let new = mb_qos(file.overlaid(by: live), classID: isClassed ? Self.classID(slot) : nil)
        let flags = UInt32(MB_MODEL_IN_USE) | (isPrivate ? UInt32(MB_MODEL_PRIVATE) : 0)
        model.pointee.file = mb_qos(file)
        model.pointee.live = mb_qos(live)
        guard model.pointee.flags != flags || !new.isSame(as: old) else { return false }
        rescale(slot, from: old, to: new, growing: true)
        if version & 1 == 1 { model.pointee.qos.0 = new } else { model.pointee.qos.1 = new }
        mb_store_release(&model.pointee.version, version + 1)
        model.pointee.flags = flags
        rescale(slot, from: old, to: new, growing: false)
        noteChange()
        return true
    }

    /// Gives a free slot to a name, with nothing of an earlier owner's.
    func claim(_ slot: UInt32, _ name: String) throws(KernelPlaneError) {
        let model = model(slot)
        let version = version(slot)
        for kind in LimitKind.allCases { bucket(slot, kind).pointee = mb_bucket() }
        try inPlane { () throws(BPFError) in
            try state.update(slot, mb_model_state())
            for key in try meters.keys() where key.model == slot { try meters.remove(key) }
        }
        model.pointee = mb_model()
        withUnsafeMutableBytes(of: &model.pointee.name) { $0.copyBytes(from: name.utf8.prefix($0.count)) }
        mb_store_release(&model.pointee.version, version + 1)
    }

    /// Takes a slot from its model. Sockets under it let go when they are looked at next.
    func release(_ slot: UInt32) throws(KernelPlaneError) {
        let model = model(slot)
        model.pointee.flags = 0
        model.pointee.file = mb_qos()
        model.pointee.live = mb_qos()
        model.pointee.name = mb_model().name
        mb_store_release(&model.pointee.version, version(slot) + 1)
        noteChange()
        try inPlane { () throws(BPFError) in
            for key in try refusals.keys() where key.model == slot { try refusals.remove(key) }
        }
    }

    /// Does anything still count for it? Then it is not given to another model: its sockets would be that one's.
    func isIdle(_ slot: UInt32) throws(KernelPlaneError) -> Bool {
        let counted = try counted(slot)
        return counted.open == 0 && counted.tagged == 0 && counted.active.0 == 0 && counted.active.1 == 0
    }

    func setClassed(_ classed: Bool) {
        guard classed != isClassed else { return }
        model(0).pointee.flags = classed ? UInt32(MB_MODEL_CLASSED) : 0
        noteChange()
    }

    func noteChange() { mb_store_release(&model(0).pointee.version, version(0) + 1) }

    /// MB_CLASS_ID
    static func classID(_ slot: UInt32) -> UInt32 { 1 << 16 | (slot + 0x10) }

    /// Units owed stay owed. Debts that grow do so before the new rate is in force and the others after, so that the
    /// moment between the two is never in the callers' favour.
    private func rescale(_ slot: UInt32, from old: mb_qos, to new: mb_qos, growing: Bool) {
        for kind in LimitKind.allCases {
            let (before, after) = (old.limit(kind), new.limit(kind))
            guard growing == (after.period_ns > before.period_ns) else { continue }
            let tat = UnsafeMutableRawPointer(bucket(slot, kind)).assumingMemoryBound(to: UInt64.self)
            while true {
                let held = mb_load_acquire(tat)
                let wanted = Debt.rescaled(held, now: Self.now(), from: before.period_ns, to: after.period_ns)
                if wanted == held || mb_compare_swap(tat, held, wanted) != 0 { break }
            }
        }
    }
}

/// What a bucket owes when its rate changes. Pure.
enum Debt {
    /// The theoretical arrival time at which as many units are owed at the new price as were at the old one. Where either
    /// says nothing of a unit's price (no limit, or nothing passes) it stays as it is.
    static func rescaled(_ tat: UInt64, now: UInt64, from old: UInt64, to new: UInt64) -> UInt64 {
        guard tat > now, old != new, ![0, .max].contains(old), ![0, .max].contains(new) else { return tat }
        return now + min(mb_limit.longest, scaled(tat - now, by: new, over: old))
    }
}
