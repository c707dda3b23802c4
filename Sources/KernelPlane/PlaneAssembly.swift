internal import BPF
internal import CBPFShim
import Glibc

/// What `PlaneAssembly` has brought about.
struct AssembledPlane: ~Copyable {
    let maps: PlaneMaps
    /// The connect programs were attached already.
    let adopted: Bool
}

/// Brings the plane into the kernel: once from nothing, and again over what an earlier agent left pinned.
struct PlaneAssembly {
    private let location: PlaneLocation
    private let pins: PinDirectory
    /// What this kernel cannot run and the plane can do without.
    private let skipped: Set<PlaneProgram>

    init(_ location: PlaneLocation, hasIterator: Bool) {
        self.location = location
        skipped = hasIterator ? [] : [.reapply]
        self.pins = PinDirectory(path: location.pinDirectory)
    }

    func assemble() throws(KernelPlaneError) -> AssembledPlane {
        let capture = try cgroup(location.captureCgroup)
        let broker = try cgroup(location.brokerCgroup)
        let fresh = !pins.exists
        do {
            try pins.create()
            try checkVersion()
            return try build(capture: capture, broker: broker)
        } catch {
            // What was there before is kept: it may be serving traffic.
            if fresh { _ = try? PlaneRemoval.detach(pinDirectory: pins.path) }
            throw error
        }
    }

    private func build(capture: UInt64, broker: UInt64) throws(KernelPlaneError) -> AssembledPlane {
        let object = try inPlane { () throws(BPFError) in try BPFObject.capture() }
        try reuseMaps(object)
        try inPlane { () throws(BPFError) in
            for program in skipped { try object.skip(program: program.rawValue) }
        }
        try load(object)
        let maps = try inPlane { () throws(BPFError) in try takeMaps(object) }
        // Before anything is attached: the broker must never capture itself.
        try inPlane { () throws(BPFError) in try maps.workloads.update(broker, mb_workload(.broker)) }
        var adopted = false
        for program in PlaneProgram.allCases where !skipped.contains(program) {
            let loaded = try inPlane { () throws(BPFError) in try object.program(program.rawValue) }
            let action = try attach(loaded, program, to: program.isBrokers ? broker : capture)
            if program == .connect4 { adopted = action == .update }
        }
        return AssembledPlane(maps: maps, adopted: adopted)
    }

    /// Id of a cgroup that must exist.
    private func cgroup(_ path: String) throws(KernelPlaneError) -> UInt64 {
        if let id = HostFacts.cgroupID(path: path) { return id }
        throw KernelPlaneError(
            operation: "attach to", object: path, hint: "there is no such directory in a cgroup v2 hierarchy")
    }

    /// Pins of another ABI must not be touched: their layouts mean something else.
    private func checkVersion() throws(KernelPlaneError) {
        let pinned = try inPlane { () throws(BPFError) in try Pin.open(pins.pin(of: .settings)) }
        guard let pinned else { return }
        let version = try inPlane { () throws(BPFError) in try ABIVersion.read(settings: pinned) }
        try ABIVersion.check(version, pinDirectory: pins.path)
    }

    private func reuseMaps(_ object: borrowing BPFObject) throws(KernelPlaneError) {
        for map in PlaneMap.allCases {
            let pin = pins.pin(of: map)
            let pinned = try inPlane { () throws(BPFError) in try Pin.open(pin) }
            guard let pinned else { continue }
            let has = try inPlane { () throws(BPFError) in try MapFacts(descriptor: pinned.raw, object: pin).shape }
            let needs = try inPlane { () throws(BPFError) in try object.shape(ofMap: map.rawValue) }
            guard has == needs else {
                throw KernelPlaneError(
                    operation: "adopt map", object: pin,
                    hint: "its shape is \(has), but \(needs) is needed; `modelbroker detach` removes it")
            }
            try inPlane { () throws(BPFError) in try object.reuse(map: map.rawValue, descriptor: pinned.raw) }
        }
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

    /// Takes the maps out of the object and pins those that are not pinned yet.
    private func takeMaps(_ object: borrowing BPFObject) throws(BPFError) -> PlaneMaps {
        for map in PlaneMap.allCases {
            let pin = pins.pin(of: map)
            guard access(pin, F_OK) < 0 else { continue }
            let made = try object.descriptor(ofMap: map.rawValue)
            try Pin.make(made.raw, at: pin)
        }
        return try PlaneMaps { (map) throws(BPFError) in try object.descriptor(ofMap: map.rawValue) }
    }

    private func attach(
        _ loaded: borrowing BPFProgram, _ program: PlaneProgram, to id: UInt64
    ) throws(KernelPlaneError) -> LinkAdoption {
        let pin = pins.pin(of: program)
        let pinned = try inPlane { () throws(BPFError) in try Pin.open(pin) }
        guard let pinned else {
            try attachAnew(loaded, program)
            return .attach
        }
        let link = BPFLink(pinned, object: program.rawValue)
        let facts = try? link.facts()
        let action = LinkAdoption.decide(
            pinned: facts.flatMap(place(of:)) ?? 0, wanted: program.point == nil ? Self.iterators : id)
        if action == .update, try update(link, loaded) { return .update }
        _ = try? link.detach()
        try inPlane { () throws(BPFError) in try Pin.remove(pin) }
        try attachAnew(loaded, program)
        return .replace
    }

    /// Stands for a cgroup id where a link has none: all of the kernel's sockets.
    private static let iterators = UInt64.max

    private func place(of link: LinkFacts) -> UInt64? {
        link.isIterator ? Self.iterators : link.isCgroupLink ? link.cgroup : nil
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

    private func attachAnew(_ loaded: borrowing BPFProgram, _ program: PlaneProgram) throws(KernelPlaneError) {
        guard let point = program.point else { return try pinIterator(loaded, program) }
        let path = program.cgroup(location)
        let directory = try inPlane { () throws(BPFError) in try Descriptor.directory(path) }
        do {
            let link = try BPFLink.attach(
                loaded, to: directory.raw, at: point, object: "\(program.rawValue) to \(path)")
            try link.pin(pins.pin(of: program))
        } catch {
            throw KernelPlaneError(error, hint: error.errno == EPERM ? foreignHint(point, directory.raw) : "")
        }
    }

    private func pinIterator(_ loaded: borrowing BPFProgram, _ program: PlaneProgram) throws(KernelPlaneError) {
        let pin = pins.pin(of: program)
        try inPlane { () throws(BPFError) in try Iterator.attach(loaded, object: program.rawValue).pin(pin) }
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
