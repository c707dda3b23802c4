internal import Catalog
internal import KernelPlane

extension Diagnosis {
    /// The checks of what is pinned: programs, neighbours, listeners.
    static func plane(_ reading: HostReading) -> [Check] {
        switch reading.plane {
        case .absent: [.ok("pins", "nothing in \(reading.pinDirectory); the broker captures nothing")]
        case .unreadable(let reason):
            [.fail("pins", "\(reason)", "run this as root; if it stays so: modelbroker detach, then start the agent")]
        case .pinned(let programs, let targets, let listening):
            [attached(programs, reading.pinDirectory), neighbours(programs)] + listeners(targets, listening)
        }
    }

    private static func attached(_ programs: [ProgramInfo], _ directory: String) -> Check {
        let orphans = programs.filter { $0.cgroup == 0 && $0.hasCgroup }
        if programs.isEmpty {
            return .fail("pins", "maps but no programs in \(directory)", "modelbroker detach, then start the agent")
        }
        guard orphans.isEmpty else {
            let names = orphans.map(\.name).joined(separator: ", ")
            return .fail("pins", "the cgroup of \(names) is gone", "restart the agent")
        }
        return .ok("pins", "\(Units.count(programs.count, "program")) attached, ABI as this release has it")
    }

    private static func neighbours(_ programs: [ProgramInfo]) -> Check {
        let others = ProgramReport.all(programs).filter { !$0.neighbours.isEmpty }.map { program in
            "\(program.hook): "
                + program.neighbours.map { "\($0.name)#\($0.id) runs \($0.runs) ours" }.joined(separator: ", ")
        }
        guard !others.isEmpty else { return .ok("neighbours", "nobody else is attached at our hooks") }
        return .warn(
            "neighbours", "\(others.joined(separator: "; "))",
            "where two rewrite the same connect, the one that runs last wins; look with: modelbroker prog list")
    }

    private static func listeners(_ targets: [SocketAddress?], _ listening: [Bool]) -> [Check] {
        let configured = ListenerSlot.allCases.filter { $0.rawValue < targets.count && targets[$0.rawValue] != nil }
        guard !configured.isEmpty else {
            return [.warn("listeners", "none configured", "start the agent with node.listen in its configuration")]
        }
        return configured.map { slot in
            let address = targets[slot.rawValue]?.description ?? ""
            return slot.rawValue < listening.count && listening[slot.rawValue]
                ? .ok("listener \(slot)", "the proxy listens on \(address)")
                : .fail(
                    "listener \(slot)", "nobody listens on \(address); each rule does what its whenProxyDown says",
                    "look at `modelbroker status` and the agent's log")
        }
    }
}
