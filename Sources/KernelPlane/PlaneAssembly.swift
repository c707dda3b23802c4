internal import BPF
internal import CBPFShim
import Glibc

/// What `PlaneAssembly` has brought about.
struct AssembledPlane: ~Copyable {
    /// Loaded; its maps are those that are pinned.
    let object: BPFObject
    /// The connect programs were attached already.
    let adopted: Bool
    /// The layout version of maps whose content was carried over; nil: of none.
    let formerVersion: UInt32?
}

/// Brings the plane into the kernel: once from nothing, and again over what an earlier agent left pinned.
struct PlaneAssembly {
    private let location: PlaneLocation
    private let pins: PinDirectory
    /// What this kernel cannot run and the plane can do without.
    private let skipped: Set<PlaneProgram>
    private let abi: ABIVersion

    /// - Parameter abi: of the object that is to be assembled.
    init(_ location: PlaneLocation, hasIterator: Bool, abi: ABIVersion = .own) {
        self.location = location
        self.abi = abi
        skipped = hasIterator ? [] : [.reapply]
        self.pins = PinDirectory(path: location.pinDirectory)
    }

    func assemble(_ object: consuming BPFObject) throws(KernelPlaneError) -> AssembledPlane {
        let capture = try cgroup(location.captureCgroup)
        let broker = try cgroup(location.brokerCgroup)
        let fresh = !pins.exists
        var log = AssemblyLog(pins)
        do {
            try pins.create()
            let result = try build(object, capture: capture, broker: broker, &log)
            return AssembledPlane(object: object, adopted: result.adopted, formerVersion: result.formerVersion)
        } catch {
            // What was there before is kept: it may be serving traffic.
            guard fresh else { throw error.leaving(log.undo()) }
            _ = try? PlaneRemoval.detach(pinDirectory: pins.path)
            throw error
        }
    }

    private func build(
        _ object: borrowing BPFObject, capture: UInt64, broker: UInt64, _ log: inout AssemblyLog
    ) throws(KernelPlaneError) -> (adopted: Bool, formerVersion: UInt32?) {
        var standing = try StandingMaps(pins, abi)
        // Before it is loaded: then libbpf forgets the types of maps that the kernel takes none of.
        let notes = try inPlane { () throws(BPFError) in try LayoutNotes(object, abi) }
        try standing.adopt(object, notes)
        try inPlane { () throws(BPFError) in
            for program in skipped { try object.skip(program: program.rawValue) }
        }
        try load(object)
        // Whoever changes a model meanwhile would change the former map.
        let lock = try inPlane { () throws(BPFError) in try FileLock(pins.path, .exclusive) }
        var move = MapMove(pins, notes)
        try move.run(standing, object, &log)
        try exempt(broker, object)
        var adopted = false
        for program in order(carrying: move.isUnderWay) {
            let loaded = try inPlane { () throws(BPFError) in try object.program(program.rawValue) }
            let action = try attach(loaded, program, to: program.isBrokers ? broker : capture, &log)
            if program == .connect4 { adopted = action == .update }
        }
        try move.settle(object)
        try keepPrograms(object)
        try pins.clearAside()
        _ = consume lock
        return (adopted, standing.isCarried ? standing.version : nil)
    }

    /// Before anything is attached: the broker must never capture itself.
    private func exempt(_ broker: UInt64, _ object: borrowing BPFObject) throws(KernelPlaneError) {
        try inPlane { () throws(BPFError) in
            let workloads = try object.descriptor(ofMap: PlaneMap.workloads.rawValue)
            try BPFMap<UInt64, mb_workload>(workloads, name: PlaneMap.workloads.rawValue).update(broker, mb_workload(.broker))
        }
    }

    /// Where counts go on in the former maps until the last program is in place, what counts up has to come before what counts
    /// down: no count in the new ones goes below zero.
    private func order(carrying: Bool) -> [PlaneProgram] {
        let programs = PlaneProgram.allCases.filter { !skipped.contains($0) }
        let first: [PlaneProgram] = carrying ? [.connect4, .connect6] : []
        return first + programs.filter { !first.contains($0) }
    }

    /// The programs that are attached now are the ones to go back to.
    private func keepPrograms(_ object: borrowing BPFObject) throws(KernelPlaneError) {
        try inPlane { () throws(BPFError) in
            for program in PlaneProgram.allCases where !skipped.contains(program) {
                let loaded = try object.program(program.rawValue)
                try Pin.remove(pins.programPin(of: program))
                try Pin.make(loaded.rawDescriptor, at: pins.programPin(of: program))
            }
        }
    }

    /// Id of a cgroup that must exist.
    private func cgroup(_ path: String) throws(KernelPlaneError) -> UInt64 {
        if let id = HostFacts.cgroupID(path: path) { return id }
        throw KernelPlaneError(
            operation: "attach to", object: path, hint: "there is no such directory in a cgroup v2 hierarchy")
    }

    private func load(_ object: borrowing BPFObject) throws(KernelPlaneError) {
        do {
            try object.load()
        } catch {
            var hints: [String] = []
            let missing = HostFacts.missingCapabilities()
            if !missing.isEmpty { hints.append("missing " + missing.map(\.name).joined(separator: ", ")) }
            if !HostFacts.hasBTF() { hints.append("this kernel has no BTF (/sys/kernel/btf/vmlinux)") }
            throw KernelPlaneError(error, hint: hints.joined(separator: "; "))
        }
    }

    private func attach(
        _ loaded: borrowing BPFProgram, _ program: PlaneProgram, to id: UInt64, _ log: inout AssemblyLog
    ) throws(KernelPlaneError) -> LinkAdoption {
        let pin = pins.pin(of: program)
        let pinned = try inPlane { () throws(BPFError) in try Pin.open(pin) }
        guard let pinned else {
            try attachAnew(loaded, program, to: id, &log)
            return .attach
        }
        let link = BPFLink(pinned, object: program.rawValue)
        let facts = try? link.facts()
        let action = LinkAdoption.decide(
            pinned: facts.flatMap { place(of: $0, program) } ?? 0, wanted: program.point == nil ? Self.iterators : id)
        if action == .update, try update(link, loaded) {
            log.updated(program)
            return .update
        }
        _ = try? link.detach()
        try inPlane { () throws(BPFError) in try Pin.remove(pin) }
        try attachAnew(loaded, program, to: id, &log)
        return .replace
    }

    /// Stands for a cgroup id where a link has none: all of the kernel's sockets.
    private static let iterators = UInt64.max

    /// nil: it is of no use to this program.
    private func place(of link: LinkFacts, _ program: PlaneProgram) -> UInt64? {
        if link.isIterator { return Self.iterators }
        return link.isCgroupLink && link.point == program.point ? link.cgroup : nil
    }

    /// False: the cgroup went away meanwhile.
    private func update(_ link: borrowing BPFLink, _ loaded: borrowing BPFProgram) throws(KernelPlaneError) -> Bool {
        do {
            try link.update(loaded)
            return true
        } catch {
            if error.errno == ENOLINK { return false }
            throw KernelPlaneError(error)
        }
    }

    private func attachAnew(
        _ loaded: borrowing BPFProgram, _ program: PlaneProgram, to id: UInt64, _ log: inout AssemblyLog
    ) throws(KernelPlaneError) {
        guard let point = program.point else { return try pinIterator(loaded, program, &log) }
        let path = program.cgroup(location)
        try inPlane { () throws(BPFError) in try StrayLinks.detach(program, cgroup: id) }
        let directory = try inPlane { () throws(BPFError) in try Descriptor.directory(path) }
        do {
            let link = try BPFLink.attach(
                loaded, to: directory.raw, at: point, object: "\(program.rawValue) to \(path)")
            try link.pin(pins.pin(of: program))
            log.attached(program)
        } catch {
            throw KernelPlaneError(error, hint: error.errno == EPERM ? foreignHint(point, directory.raw) : "")
        }
    }

    private func pinIterator(
        _ loaded: borrowing BPFProgram, _ program: PlaneProgram, _ log: inout AssemblyLog
    ) throws(KernelPlaneError) {
        let pin = pins.pin(of: program)
        try inPlane { () throws(BPFError) in try Iterator.attach(loaded, object: program.rawValue).pin(pin) }
        log.attached(program)
    }

    /// Names who else is attached: without BPF_F_ALLOW_MULTI they let nobody in beside them.
    private func foreignHint(_ point: AttachPoint, _ cgroup: Int32) -> String {
        let missing = HostFacts.missingCapabilities()
        if !missing.isEmpty { return "missing " + missing.map(\.name).joined(separator: ", ") }
        let ids = (try? point.programs(cgroup: cgroup, effective: true)) ?? []
        let names = ids.map { "\(ProgramNames.name(of: $0)) (id \($0))" }.joined(separator: ", ")
        guard !names.isEmpty else { return "no other program is attached at \(point.rawValue)" }
        return "attached at \(point.rawValue) are \(names), and one of them allows no other beside it"
    }
}
