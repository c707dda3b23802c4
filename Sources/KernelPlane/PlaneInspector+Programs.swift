internal import BPF

extension PlaneInspector {
    /// Our attached programs, in the order of attaching; one whose link is not pinned is left out.
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
        guard let loaded = try BPFProgram.withID(attached.program) else { return nil }
        let facts = try loaded.facts()
        let path = cgroupPaths[attached.cgroup] ?? HostFacts.cgroupPath(id: attached.cgroup)
        return ProgramInfo(
            name: program.rawValue, id: facts.id, hook: program.point.rawValue, linkID: attached.id,
            cgroup: attached.cgroup, cgroupPath: path, tag: facts.tag, loadedBytes: facts.loadedBytes,
            jitedBytes: facts.jitedBytes, runCount: facts.runCount, runNanoseconds: facts.runNanoseconds,
            neighbours: try neighbours(of: facts.id, at: program.point, in: path))
    }

    /// Whoever else runs for the same cgroup, in order.
    private func neighbours(of id: UInt32, at point: AttachPoint, in path: String?) throws(BPFError) -> [ProgramInfo.Neighbour] {
        guard let path else { return [] }
        let cgroup = try Descriptor.directory(path)
        let ids = try point.programs(cgroup: cgroup.raw, effective: true)
        let own = ids.firstIndex(of: id) ?? ids.endIndex
        return ids.indices.filter { $0 != own }.map {
            ProgramInfo.Neighbour(id: ids[$0], name: ProgramNames.name(of: ids[$0]), before: $0 < own)
        }
    }
}
