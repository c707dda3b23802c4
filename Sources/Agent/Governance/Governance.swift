internal import Catalog
internal import KernelPlane

/// What a catalogue asks of the kernel plane for its models: entries, who may call them, where they are. Pure.
struct Governance: Sendable {
    /// At most as many as have room, most in need of a slot first.
    let entries: [ModelEntry]
    /// Models for which there is no room, and that could not do without.
    let crowdedOut: [String]
    private let catalog: Catalog
    /// There is a tree whose classes the models' sockets name.
    var isClassed: Bool { catalog.node.qdisc != nil }

    /// - Parameters:
    ///   - catalog: with names resolved.
    ///   - kept: models that come first of those that can do without: somebody has set values for them by hand.
    ///   - limit: how many have room.
    init(_ catalog: Catalog, keeping kept: Set<String> = [], limit: Int = KernelPlane.modelLimit) {
        self.catalog = catalog
        let needed = catalog.modelsNeedingSlots.count
        let ordered = catalog.modelsBySlotOrder
        let others = ordered[needed...]
        let models = ordered[..<needed] + others.filter { kept.contains($0.name) } + others.filter { !kept.contains($0.name) }
        entries = models.prefix(limit).map { ModelEntry($0) }
        crowdedOut = models.prefix(needed).dropFirst(limit).map(\.name)
    }

    /// Of these names those of models that cannot do without a slot.
    func needy(_ names: [String]) -> [String] {
        guard !names.isEmpty else { return [] }
        let needed = Set(catalog.modelsNeedingSlots.map(\.name))
        return names.filter { needed.contains($0) }
    }

    /// The entries of both while one follows the other: those that go stay until nothing refers to them any more. nil: there
    /// is no room for both at once.
    func joined(with former: [ModelEntry], limit: Int = KernelPlane.modelLimit) -> [ModelEntry]? {
        let names = Set(entries.map(\.name))
        let both = entries + former.filter { !names.contains($0.name) }
        return both.count <= limit ? both : nil
    }

    /// Who may call what, of the models that have a slot.
    func access(_ slots: [String: UInt32]) -> [AccessEntry] {
        catalog.clients.enumerated().flatMap { index, client in
            let number = UInt32(index + 1)
            let allowed = (client.allow ?? []).flatMap(\.names).compactMap { slots[$0] }
            let denied = client.deny.flatMap(\.names).compactMap { slots[$0] }
            return allowed.map { AccessEntry(model: $0, client: number, verdict: .allow) }
                + denied.map { AccessEntry(model: $0, client: number, verdict: .deny) }
        }
    }

    /// The slot of each model of the catalogue, in its order; 0: it has none.
    static func slots(of catalog: Catalog, _ slots: [String: UInt32]) -> [UInt32] {
        slots.isEmpty ? [] : catalog.models.map { slots[$0.name] ?? 0 }
    }
}

extension ModelEntry {
    init(_ model: Model) { self.init(name: model.name, qos: model.qos, isPrivate: model.access == .private) }
}
