internal import Catalog

/// Which slot of `endpoint_state` each endpoint of a model has. Pure.
struct EndpointPlan: Sendable {
    /// An endpoint of one model: what is counted is counted for it, whatever becomes of its weight and its health.
    struct Key: Hashable, Sendable {
        let model: UInt32
        let address: SocketAddress
    }

    /// Those that stay have the slots they had.
    private(set) var slots: [Key: UInt32]
    /// In want of a slot.
    let waiting: [Key]

    /// - Parameter held: the slots of the sets in force.
    init(_ sets: [UInt32: [DirectEndpoint]], held: [Key: UInt32]) {
        let wanted = sets.keys.sorted().flatMap { model in
            (sets[model] ?? []).map { Key(model: model, address: $0.address) }
        }
        let all = Set(wanted)
        slots = held.filter { all.contains($0.key) }
        waiting = wanted.filter { held[$0] == nil }
    }

    /// With free slots for those that wait, of which there must be enough.
    func given(_ free: [UInt32]) -> [Key: UInt32] {
        slots.merging(zip(waiting, free)) { kept, _ in kept }
    }
}
