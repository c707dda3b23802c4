package import KernelPlane

/// One of the broker's programs, as `prog list` shows it.
package struct ProgramReport: Hashable, Sendable, Codable {
    /// A program of somebody else at the same hook.
    package struct Neighbour: Hashable, Sendable, Codable {
        package var id: UInt32
        package var name: String
        /// `before` or `after` ours, in the order in which the kernel runs them.
        package var runs: String
    }

    package var name: String
    package var id: UInt32
    package var hook: String
    package var linkID: UInt32
    package var cgroup: UInt64
    /// nil: it vanished or cannot be told.
    package var cgroupPath: String?
    package var tag: String
    package var loadedBytes: UInt32
    package var jitedBytes: UInt32
    /// Zero unless the sysctl `kernel.bpf_stats_enabled` is on.
    package var runCount: UInt64
    package var runNanoseconds: UInt64
    package var neighbours: [Neighbour]

    /// Our own programs are nobody's neighbours, though two of them may share a hook.
    package static func all(_ programs: [ProgramInfo]) -> [ProgramReport] {
        let ours = Set(programs.map(\.id))
        return programs.map { program in
            var report = ProgramReport(program)
            report.neighbours.removeAll { ours.contains($0.id) }
            return report
        }
    }

    private init(_ program: ProgramInfo) {
        name = program.name
        id = program.id
        hook = program.hook
        linkID = program.linkID
        cgroup = program.cgroup
        cgroupPath = program.cgroupPath
        tag = program.tag
        loadedBytes = program.loadedBytes
        jitedBytes = program.jitedBytes
        runCount = program.runCount
        runNanoseconds = program.runNanoseconds
        neighbours = program.neighbours.map {
            Neighbour(id: $0.id, name: $0.name, runs: $0.before ? "before" : "after")
        }
    }

    /// What `modelbroker prog list` prints.
    package static func table(_ programs: [ProgramReport], width: Int?) -> String {
        var table = Table([
            .init("id", .right), .init("name"), .init("hook"), .init("cgroup", shrinks: true), .init("link", .right),
            .init("tag"), .init("loaded", .right), .init("jited", .right), .init("runs", .right), .init("mean", .right),
            .init("neighbours", shrinks: true),
        ])
        for program in programs {
            table.add([
                "\(program.id)", program.name, program.hook,
                program.place, "\(program.linkID)", program.tag,
                Units.bytes(UInt64(program.loadedBytes)), Units.bytes(UInt64(program.jitedBytes)),
                program.runCount == 0 ? "" : "\(program.runCount)",
                program.runCount == 0 ? "" : Units.nanoseconds(program.runNanoseconds / program.runCount),
                program.neighbours.map(\.text).joined(separator: ","),
            ])
        }
        return table.rendered(width: width)
    }
}

extension ProgramReport.Neighbour {
    /// `name#id before`.
    package var text: String { "\(name.isEmpty ? "?" : name)#\(id) \(runs)" }
}

extension ProgramReport {
    /// The cgroup's path, as far as it has one.
    fileprivate var place: String { cgroupPath ?? (hook.hasPrefix("iter/") ? Units.absent : "gone") }
}
