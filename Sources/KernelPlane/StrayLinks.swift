internal import BPF
import Glibc

/// Links to our programs that nobody can find any more by their pins: those on a BPF file system that another one was mounted
/// over. Their programs would capture beside the new ones.
enum StrayLinks {
    /// Ends links of a program of this name to the cgroup. Without CAP_SYS_ADMIN nobody sees them: none are ended.
    ///
    /// - Returns: how many were.
    @discardableResult
    static func detach(_ program: PlaneProgram, cgroup: UInt64) throws(BPFError) -> Int {
        var ended = 0
        do {
            for id in try BPFLink.allIDs() {
                guard let link = try BPFLink.withID(id, object: program.rawValue) else { continue }
                let facts = try link.facts()
                guard facts.isCgroupLink, facts.cgroup == cgroup, try isNamed(program, facts.program) else { continue }
                try link.detach()
                ended += 1
            }
        } catch {
            if error.errno != EPERM { throw error }
        }
        return ended
    }

    /// The kernel keeps fifteen characters of a name.
    private static func isNamed(_ program: PlaneProgram, _ id: UInt32) throws(BPFError) -> Bool {
        guard let loaded = try BPFProgram.withID(id) else { return false }
        return try loaded.facts().name == String(program.rawValue.prefix(15))
    }
}
