internal import Catalog
internal import Identity
internal import KernelPlane

/// What a catalogue asks of the kernel plane for its models: entries, who may call them, where they are. Pure.
struct Governance: Sendable {
    /// At most as many as have room, most in need of a slot first.
    let entries: [ModelEntry]
    /// Models for which there is no room, and that could not do without.
    let crowdedOut: [String]
    private let catalog: Catalog
    private let table: AccessTable
    /// There is a tree whose classes the models' sockets name.
    var isClassed: Bool { catalog.node.qdisc != nil }

    /// - Parameters:
    ///   - catalog: with names resolved.
    ///   - kept: models that come first of those that can do without: somebody has set values for them by hand.
    ///   - limit: how many have room.
    init(_ catalog: Catalog, keeping kept: Set<String> = [], limit: Int = KernelPlane.modelLimit) {
        self.catalog = catalog
        table = AccessTable(
            models: catalog.models, clients: catalog.clients, pools: catalog.pools, capabilities: catalog.capabilities)
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

    /// Who may call what now, of the models that have a slot and are captured at an address of their own, which are those that
    /// the kernel asks about: only what is otherwise than the kernel takes it without an entry, which is that public models
    /// are open to whoever has no list of what it may call.
    ///
    /// - Parameter epoch: seconds since 1970.
    func access(_ slots: [String: UInt32], epoch: Int64) -> [AccessEntry] {
        let asked = asked(slots)
        let strangers = strangers(asked, epoch: epoch)
        guard !table.isOpen, !asked.isEmpty else { return strangers }
        let listed = catalog.clients.enumerated().filter { $1.allow != nil || !$1.deny.isEmpty }
        return strangers
            + listed.flatMap { client, configured in
                asked.compactMap { asked -> AccessEntry? in
                    let isOpen = table.mayUse(asked.number, client: client, epoch: epoch)
                    // What is denied stands there as such: a list of what is allowed may come and go before this does.
                    let isUsual = isOpen == (asked.isPublic && configured.allow == nil)
                    guard !isUsual || !isOpen && !configured.deny.isEmpty else { return nil }
                    return AccessEntry(model: asked.slot, client: UInt32(client + 1), verdict: isOpen ? .allow : .deny)
                }
            }
    }

    /// A model that the kernel asks about.
    private struct Asked {
        let number: Int
        let slot: UInt32
        let isPublic: Bool
    }

    private func asked(_ slots: [String: UInt32]) -> [Asked] {
        let dedicated = Set(catalog.rules.compactMap(\.model))
        return catalog.models.enumerated().compactMap { number, model in
            guard dedicated.contains(model.name), let slot = slots[model.name] else { return nil }
            return Asked(number: number, slot: slot, isPublic: model.access == .public)
        }
    }

    /// What those may call without a proxy between who are no client: as the configuration has it for whoever proves nothing.
    private func strangers(_ models: [Asked], epoch: Int64) -> [AccessEntry] {
        let client: Int?
        switch catalog.authentication.anonymous {
        case .open: return []
        case .deny: client = nil
        case .client(let name): client = catalog.clients.firstIndex { $0.name == name }
        }
        return models.compactMap { asked in
            let isOpen = client.map { table.isOpen || table.mayUse(asked.number, client: $0, epoch: epoch) } ?? false
            guard isOpen != asked.isPublic else { return nil }
            return AccessEntry(model: asked.slot, client: 0, verdict: isOpen ? .allow : .deny)
        }
    }

    /// When hours of access begin or end next; nil: there are none.
    func nextAccessChange(after epoch: Int64) -> Int64? { table.nextChange(after: epoch) }

    /// The slot of each model of the catalogue, in its order; 0: it has none.
    static func slots(of catalog: Catalog, _ slots: [String: UInt32]) -> [UInt32] {
        slots.isEmpty ? [] : catalog.models.map { slots[$0.name] ?? 0 }
    }
}

extension ModelEntry {
    init(_ model: Model) { self.init(name: model.name, qos: model.qos, isPrivate: model.access == .private) }
}
