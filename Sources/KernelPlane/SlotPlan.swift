/// Which models have a slot: those that have one keep it, the first in the list come first. Pure.
struct SlotPlan: Equatable, Sendable {
    private(set) var kept: [String: UInt32] = [:]
    /// Names whose slots are to be taken away.
    private(set) var stale: [String: UInt32] = [:]
    /// Names that want one, in order.
    private(set) var waiting: [String] = []

    /// `wanted`: in order; names that come twice count once.
    init(wanted: [String], held: [String: UInt32]) {
        var seen: Set<String> = []
        for name in wanted where seen.insert(name).inserted {
            if let slot = held[name] { kept[name] = slot } else { waiting.append(name) }
        }
        stale = held.filter { !seen.contains($0.key) }
    }

    /// Gives free slots to those that wait; who goes without when they run out.
    func given(from free: [UInt32]) -> (slots: [String: UInt32], without: [String]) {
        let slots = Dictionary(uniqueKeysWithValues: zip(waiting, free))
        return (slots, Array(waiting.dropFirst(free.count)))
    }
}
