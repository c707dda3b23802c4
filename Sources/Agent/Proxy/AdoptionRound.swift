/// Which of the proxies that an agent finds at its start is the proxy. Pure.
///
/// An agent may have ended in the middle of a replacement, and leave several: one in the proxy's cgroup, others set aside.
struct AdoptionRound: Sendable {
    /// What a proxy says of itself.
    enum Stage: Hashable, Sendable {
        /// It has no configuration yet, and no connection.
        case fresh
        case serving
        case retiring
    }

    struct Verdict: Hashable, Sendable {
        /// The proxy from now on; nil: there is none.
        var proxy: Int32?
        /// It was set aside and goes back into its place.
        var isBroughtBack = false
        /// Those that serve and have been replaced: told to retire.
        var retire: [Int32] = []
        /// They have nothing that would be lost.
        var kill: [Int32] = []
    }

    private let inPlace: Set<Int32>
    private let aside: Set<Int32>
    private var stages: [Int32: Stage] = [:]
    private var gone: Set<Int32> = []

    /// - Parameters:
    ///   - inPlace: processes in the proxy's cgroup.
    ///   - aside: those in cgroups of their own.
    init(inPlace: [Int32], aside: [Int32]) {
        self.inPlace = Set(inPlace)
        self.aside = Set(aside)
    }

    /// All have said hello, or have ended.
    var isComplete: Bool { inPlace.union(aside).isSubset(of: gone.union(stages.keys)) }

    mutating func heard(_ pid: Int32, _ stage: Stage) { stages[pid] = stage }

    mutating func ended(_ pid: Int32) { gone.insert(pid) }

    func hasEnded(_ pid: Int32) -> Bool { gone.contains(pid) }

    /// Decides by what is known now. One in its place goes before one that was set aside: it was about to be replaced, and
    /// had been.
    var verdict: Verdict {
        var verdict = Verdict()
        let serving = stages.filter { $0.value == .serving && !gone.contains($0.key) }.map(\.key).sorted()
        // Whoever came by itself, in none of the places that were looked at, counts as in its place.
        let candidates = serving.filter { !aside.contains($0) } + serving.filter { aside.contains($0) }.reversed()
        verdict.proxy = candidates.first
        verdict.isBroughtBack = verdict.proxy.map { aside.contains($0) } ?? false
        verdict.retire = Array(candidates.dropFirst())
        let fresh = stages.filter { $0.value == .fresh && !gone.contains($0.key) }.map(\.key).sorted()
        // A fresh one that is alone is as good as one that is yet to be started.
        if verdict.proxy == nil, aside.subtracting(gone).allSatisfy({ stages[$0] == .retiring }), let first = fresh.first {
            verdict.proxy = first
            verdict.kill = Array(fresh.dropFirst())
        } else {
            verdict.kill = fresh
        }
        return verdict
    }
}
