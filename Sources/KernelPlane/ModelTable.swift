internal import BPF
internal import CBPFShim
import Catalog
import Glibc

/// `models` and `buckets` as memory, and what is counted for them. Several processes may write (the agent, the CLI): every
/// writer holds the lock on the pin directory while it does, and whoever wants the whole of an entry holds it shared.
///
/// What is mapped is resident, so the process that stays (the agent, which alone gives slots out) keeps no more of both
/// than reaches to the highest slot in use.
final class ModelTable: Sendable {
    static let slots = 1...UInt32(MB_MAX_MODELS)

    let pins: PinDirectory
    let models: MappedArray<mb_model>
    let buckets: MappedArray<mb_bucket>
    let state: BPFMap<UInt32, mb_model_state>
    let refusals: BPFMap<mb_refusal_key, UInt64>
    let meters: BPFMap<mb_meter_key, mb_meter>

    init(_ pins: PinDirectory) throws(KernelPlaneError) {
        self.pins = pins
        models = try inPlane { () throws(BPFError) in
            try MappedArray(try pins.open(.models), name: PlaneMap.models.rawValue)
        }
        buckets = try inPlane { () throws(BPFError) in
            try MappedArray(try pins.open(.buckets), name: PlaneMap.buckets.rawValue)
        }
        state = try inPlane { () throws(BPFError) in
            try BPFMap(try pins.open(.modelState), name: PlaneMap.modelState.rawValue)
        }
        refusals = try inPlane { () throws(BPFError) in
            try BPFMap(try pins.open(.refusals), name: PlaneMap.refusals.rawValue)
        }
        meters = try inPlane { () throws(BPFError) in
            try BPFMap(try pins.open(.meters), name: PlaneMap.meters.rawValue)
        }
    }

    func lock(_ kind: FileLock.Kind) throws(KernelPlaneError) -> FileLock {
        let lock = try inPlane { () throws(BPFError) in try FileLock(pins.path, kind) }
        try checkCurrent()
        return lock
    }

    /// An agent of another version may have put maps of its own in the place of these while the lock was waited for.
    private func checkCurrent() throws(KernelPlaneError) {
        let pinned = try inPlane { () throws(BPFError) in
            let present = try pins.open(.modelState)
            return try MapFacts(descriptor: present.raw, object: PlaneMap.modelState.rawValue).id
        }
        guard pinned != state.facts.id else { return }
        throw KernelPlaneError(
            operation: "use", object: pins.path, hint: "an agent of another version has just taken over; try again")
    }

    /// Gives back the memory of slots beyond the highest in use. Only for whoever gives slots out, since it does not see
    /// what others put there.
    func shorten() {
        let slots = Int(Self.slots.last { isInUse($0) } ?? 0) + 1
        models.shorten(to: slots)
        buckets.shorten(to: slots * Int(MB_BUCKETS_PER_MODEL))
    }

    /// Brings the slots up to this one within reach.
    func extend(to slot: UInt32) throws(KernelPlaneError) {
        let slots = Int(slot) + 1
        try inPlane { () throws(BPFError) in
            // In this order: what is within reach of `models` is so of both.
            try buckets.extend(to: slots * Int(MB_BUCKETS_PER_MODEL))
            try models.extend(to: slots)
        }
    }

    func model(_ slot: UInt32) -> UnsafeMutablePointer<mb_model> { models.element(Int(slot)) }

    func bucket(_ slot: UInt32, _ kind: LimitKind) -> UnsafeMutablePointer<mb_bucket> {
        buckets.element(Int(slot) * Int(MB_BUCKETS_PER_MODEL) + Int(kind.rawValue))
    }

    /// Slots by name.
    func names() -> [String: UInt32] {
        var names: [String: UInt32] = [:]
        for slot in Self.slots where isInUse(slot) { names[name(slot)] = slot }
        return names
    }

    func slot(named wanted: String) -> UInt32? {
        let bytes = Array(wanted.utf8)
        return Self.slots.first { isInUse($0) && holds($0, bytes) }
    }

    /// A slot out of reach is nobody's.
    func isInUse(_ slot: UInt32) -> Bool { Int(slot) < models.reach && model(slot).pointee.flags & UInt32(MB_MODEL_IN_USE) != 0 }

    func name(_ slot: UInt32) -> String {
        withUnsafeBytes(of: &model(slot).pointee.name) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
    }

    private func holds(_ slot: UInt32, _ name: [UInt8]) -> Bool {
        withUnsafeBytes(of: &model(slot).pointee.name) { $0.prefix { $0 != 0 }.elementsEqual(name) }
    }

    /// Is there a tree of HTB classes, which sk_priority names?
    var isClassed: Bool { model(0).pointee.flags & UInt32(MB_MODEL_CLASSED) != 0 }

    /// Of the entry: how often it changed.
    func version(_ slot: UInt32) -> UInt64 { mb_load_acquire(&model(slot).pointee.version) }

    func inForce(_ slot: UInt32) -> mb_qos {
        version(slot) & 1 == 1 ? model(slot).pointee.qos.1 : model(slot).pointee.qos.0
    }

    func counted(_ slot: UInt32) throws(KernelPlaneError) -> mb_model_state {
        try inPlane { () throws(BPFError) in try state.lookup(slot) } ?? mb_model_state()
    }

    /// False on a kernel without iter/tcp: sockets follow with their next round trip.
    var canReapply: Bool { Glibc.access(pins.pin(of: .reapply), F_OK) == 0 || errno != ENOENT }

    /// Brings every live socket of this network namespace to the entries in force; how many that changed, 0 where
    /// that cannot be done at once.
    @discardableResult
    func reapply() throws(KernelPlaneError) -> Int {
        guard canReapply else { return 0 }
        return try inPlane { () throws(BPFError) in try Iterator.read(pin: pins.pin(of: .reapply)) }
    }

    /// CLOCK_MONOTONIC, by which buckets run.
    static func now() -> UInt64 { nanoseconds(CLOCK_MONOTONIC) }

    static func nanoseconds(_ clock: clockid_t) -> UInt64 {
        var time = timespec()
        clock_gettime(clock, &time)
        return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
    }
}
