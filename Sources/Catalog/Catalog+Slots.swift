extension Catalog {
    /// The models that cannot do without an entry in the kernel, most in need first: those with limits, private ones, those
    /// that a capture rule is dedicated to.
    package var modelsNeedingSlots: [Model] { modelsByNeed(all: false) }

    /// All models in the order in which the kernel's entries are given out.
    package var modelsBySlotOrder: [Model] { modelsByNeed(all: true) }

    private func modelsByNeed(all: Bool) -> [Model] {
        let dedicated = Set(rules.compactMap(\.model))
        var ranks: [[Model]] = [[], [], [], []]
        for model in models {
            let rank = !model.qos.isEmpty ? 0 : model.access == .private ? 1 : dedicated.contains(model.name) ? 2 : 3
            ranks[rank].append(model)
        }
        return ranks.prefix(all ? 4 : 3).flatMap(\.self)
    }
}
