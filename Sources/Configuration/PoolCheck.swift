import Catalog

/// Whether pools that are right by themselves stand for something.
struct PoolCheck {
    let models: [Model]
    let members: PoolMembers
    let reading: Reading

    /// - Parameter pools: of the drafts, in their order, with the pools in them replaced.
    func run(_ drafts: [PoolDraft], _ pools: [Pool], _ field: Field) {
        // What is wrong elsewhere may be all that is wrong here.
        guard reading.log.isEmpty else { return }
        var room = Limits.poolMembers
        for (draft, pool) in zip(drafts, pools) {
            let found = members.of(pool)
            room -= found.count
            guard room >= 0 else {
                return reading.fault(field, "have more than \(Limits.poolMembers) models together")
            }
            check(draft, pool, found)
        }
    }

    private func check(_ draft: PoolDraft, _ pool: Pool, _ found: [PoolMembers.Member]) {
        guard !found.isEmpty else { return explainEmpty(draft, pool) }
        let isServed = found.contains { member in
            member.weight > 0 && member.endpoints.contains { models[member.model].endpoints[$0].weight > 0 }
        }
        if !isServed {
            let place = draft.fields["models"] ?? draft.field
            reading.fault(place, "gives weight 0 to everything in the pool; something needs a weight from 1 to 65535")
        }
        checkFallback(draft, pool, found)
        guard let mirror = pool.mirror, let field = draft.fields["mirror"] else { return }
        if found.contains(where: { models[$0.model].name == mirror.model }) {
            reading.fault(field, "\(quoted(mirror.model)) is a model of the pool itself; mirror is for one on trial")
        }
    }

    private func explainEmpty(_ draft: PoolDraft, _ pool: Pool) {
        if let field = draft.fields["selector"], !pool.selector.isEmpty {
            let among = draft.parts.isEmpty && pool.capability == nil ? "no endpoint" : "no endpoint of its models"
            return reading.fault(field, "fits \(among); labels stand with the endpoints under models")
        }
        if let field = draft.fields["capability"], case .scalar(let written) = field.value.content {
            return reading.fault(
                field, "\(quoted(written)) is something that no model has; models say what they have under capabilities")
        }
        reading.fault(draft.field, "stands for no model")
    }

    /// One server cannot be both the rule and the exception.
    private func checkFallback(_ draft: PoolDraft, _ pool: Pool, _ found: [PoolMembers.Member]) {
        guard let field = draft.fields["fallback"], !draft.pool.fallback.isEmpty else { return }
        let own = Set(draft.pool.fallback.map(\.url))
        for member in found where member.endpoints.contains(where: { own.contains(models[member.model].endpoints[$0].url) }) {
            reading.fault(field, "has an endpoint that \(quoted(models[member.model].name)) of the pool has already")
        }
    }
}
