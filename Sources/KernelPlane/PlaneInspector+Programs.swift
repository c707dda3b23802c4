internal import BPF
import Glibc

extension PlaneInspector {
    /// Our attached programs, in the order of attaching; one whose link is not pinned is left out. Without CAP_SYS_ADMIN
    /// tags, sizes, run counts and the names of neighbours are missing.
    package func programs() throws(KernelPlaneError) -> [ProgramInfo] {
        var found: [ProgramInfo] = []
        for program in PlaneProgram.allCases {
            if let info = try inPlane({ () throws(BPFError) in try describe(program) }) { found.append(info) }
        }
        return found
    }

    private func describe(_ program: PlaneProgram) throws(BPFError) -> ProgramInfo? {
        guard let pinned = try Pin.open(pins.pin(of: program)) else { return nil }
        let attached = try BPFLink(pinned, object: program.rawValue).facts()
        let facts = try facts(of: attached.program)
        let path = cgroupPaths[attached.cgroup] ?? HostFacts.cgroupPath(id: attached.cgroup)
        return ProgramInfo(
            name: program.rawValue, id: attached.program, hook: program.hook, linkID: attached.id,
            cgroup: attached.cgroup, cgroupPath: path, tag: facts.tag, loadedBytes: facts.loadedBytes,
            jitedBytes: facts.jitedBytes, runCount: facts.runCount, runNanoseconds: facts.runNanoseconds,
            neighbours: try neighbours(of: attached.program, at: program.point, in: path))
    }

    /// Opening a program by its id takes CAP_SYS_ADMIN; without it these facts stay empty.
    private func facts(of program: UInt32) throws(BPFError) -> ProgramFacts {
        do {
            if let loaded = try BPFProgram.withID(program) { return try loaded.facts() }
        } catch {
            if error.errno != EPERM { throw error }
        }
        return ProgramFacts(
            id: program, name: "", tag: "", loadedBytes: 0, jitedBytes: 0, runCount: 0, runNanoseconds: 0)
    }

    /// Whoever else runs for the same cgroup, in order.
    private func neighbours(of id: UInt32, at point: AttachPoint?, in path: String?) throws(BPFError) -> [ProgramInfo.Neighbour] {
        guard let path, let point else { return [] }
        let cgroup = try Descriptor.directory(path)
        let ids = try point.programs(cgroup: cgroup.raw, effective: true)
        let own = ids.firstIndex(of: id) ?? ids.endIndex
        return ids.indices.filter { $0 != own }.map {
            ProgramInfo.Neighbour(id: ids[$0], name: ProgramNames.name(of: ids[$0]), before: $0 < own)
        }
    }
}
