import Catalog

/// Replaces pools inside pools by the models that they stand for.
///
/// A pool in a pool has its weight as a whole, divided among its models as its own weights say. Its fallback comes behind the
/// outer one's; its strategy, retry, breaker and mirror are for requests that name it.
struct PoolFlattening {
    private enum Progress {
        case underWay
        case done(Pool)
        case faulty
    }

    private let drafts: [String: PoolDraft]
    private let members: PoolMembers
    private let models: [Model]
    private let reading: Reading
    private var progress: [String: Progress] = [:]
    /// Names of the pools that are being looked into, the outermost first.
    private var path: [String] = []
    private var room = Limits.poolMembers

    /// The pools in the order of `drafts`; after a fault they may be incomplete.
    static func run(_ drafts: [PoolDraft], _ members: PoolMembers, _ models: [Model], _ reading: Reading) -> [Pool] {
        let byName = Dictionary(drafts.map { ($0.pool.name, $0) }) { first, _ in first }
        var flattening = PoolFlattening(byName, members, models, reading)
        return drafts.map { flattening.flat($0) ?? $0.pool }
    }

    private init(_ drafts: [String: PoolDraft], _ members: PoolMembers, _ models: [Model], _ reading: Reading) {
        self.drafts = drafts
        self.members = members
        self.models = models
        self.reading = reading
    }

    /// nil after a fault, which is said once.
    private mutating func flat(_ draft: PoolDraft) -> Pool? {
        switch progress[draft.pool.name] {
        case .done(let pool): return pool
        case .faulty, .underWay: return nil
        case nil: break
        }
        progress[draft.pool.name] = .underWay
        path.append(draft.pool.name)
        let pool = merged(draft)
        path.removeLast()
        progress[draft.pool.name] = pool.map(Progress.done) ?? .faulty
        return pool
    }

    private mutating func merged(_ draft: PoolDraft) -> Pool? {
        var pool = draft.pool
        var shares = Shares()
        var isFaulty = false
        for part in draft.parts {
            guard shares.count <= room else { return tooMany(draft) }
            guard let inner = drafts[part.name] else {
                shares.add([(part.name, 1)], weight: part.weight)
                continue
            }
            guard let flat = inside(inner, part, of: pool) else {
                isFaulty = true
                continue
            }
            shares.add(share(flat), weight: part.weight)
            let known = Set(pool.fallback.map(\.url))
            pool.fallback += flat.fallback.filter { !known.contains($0.url) }
        }
        guard shares.count <= room else { return tooMany(draft) }
        room -= shares.count
        pool.models = shares.weights.map { Pool.Member(model: $0.model, weight: $0.weight) }
        return isFaulty ? nil : pool
    }

    private func tooMany(_ draft: PoolDraft) -> Pool? {
        reading.fault(draft.field, "makes more than \(Limits.poolMembers) models in all pools together")
        return nil
    }

    private mutating func inside(_ inner: PoolDraft, _ part: PoolDraft.Part, of outer: Pool) -> Pool? {
        if let start = path.firstIndex(of: part.name) {
            let circle = (path[start...] + [part.name]).map { printable($0) }.joined(separator: " -> ")
            reading.fault(part.field, "\(quoted(part.name)) makes a circle: \(circle)")
            return nil
        }
        guard path.count < Limits.poolDepth else {
            reading.fault(part.field, "\(quoted(part.name)) is nested deeper than \(Limits.poolDepth) pools")
            return nil
        }
        guard let flat = flat(inner) else { return nil }
        guard flat.selector.isEmpty || flat.selector == outer.selector else {
            let reason = "whose selector would be lost in this one; give this one the same, or name models"
            reading.fault(part.field, "\(quoted(part.name)) is a pool, \(reason)")
            return nil
        }
        return flat
    }

    /// The models of a pool, those that it has by its capability among them.
    private func share(_ pool: Pool) -> [(model: String, weight: UInt64)] {
        guard pool.capability != nil || pool.models.isEmpty else { return pool.models.map { ($0.model, UInt64($0.weight)) } }
        return members.of(pool).map { (models[$0.model].name, UInt64($0.weight)) }
    }
}

/// Weights of models in groups that have weights themselves.
struct Shares {
    private var groups: [(members: [(model: String, weight: UInt64)], weight: UInt16)] = []

    private(set) var count = 0

    mutating func add(_ members: [(model: String, weight: UInt64)], weight: UInt16) {
        groups.append((members, weight))
        count += members.count
    }

    /// Each model once, where it stands first, with all that it gets: as it was written where there is no group, otherwise in
    /// the smallest numbers that have the same proportions, or nearly so where those are beyond 16 bits.
    var weights: [(model: String, weight: UInt16)] {
        if groups.allSatisfy({ $0.members.count == 1 && $0.members[0].weight == 1 }) {
            return groups.map { ($0.members[0].model, $0.weight) }.merged { UInt16(clamping: Int($0) + Int($1)) }
        }
        let totals = groups.map { max(1, $0.members.reduce(0) { $0 + $1.weight }) }
        guard let multiple = Self.leastCommonMultiple(totals) else { return inexact(totals) }
        var exact: [(model: String, weight: UInt64)] = []
        for (group, total) in zip(groups, totals) {
            exact += group.members.map { ($0.model, $0.weight * UInt64(group.weight) * (multiple / total)) }
        }
        let merged = exact.merged { $0 + $1 }
        let divisor = max(1, merged.reduce(0) { Self.greatestCommonDivisor($0, $1.weight) })
        guard merged.allSatisfy({ $0.weight / divisor <= UInt64(UInt16.max) }) else { return inexact(totals) }
        return merged.map { ($0.model, UInt16($0.weight / divisor)) }
    }

    /// What has a share keeps one.
    private func inexact(_ totals: [UInt64]) -> [(model: String, weight: UInt16)] {
        var parts: [(model: String, weight: Double)] = []
        for (group, total) in zip(groups, totals) {
            parts += group.members.map { ($0.model, Double($0.weight) * Double(group.weight) / Double(total)) }
        }
        let merged = parts.merged { $0 + $1 }
        let scale = Double(UInt16.max) / max(1, merged.reduce(0) { max($0, $1.weight) })
        return merged.map { part in
            (part.model, part.weight == 0 ? 0 : UInt16(max(1, min(Double(UInt16.max), (part.weight * scale).rounded()))))
        }
    }

    /// nil: it is too large to multiply with.
    private static func leastCommonMultiple(_ numbers: [UInt64]) -> UInt64? {
        var multiple: UInt64 = 1
        for number in numbers {
            let (product, overflow) = multiple.multipliedReportingOverflow(by: number / greatestCommonDivisor(multiple, number))
            // Beside 16 bits of a weight and 16 of a group's, and sums of them.
            guard !overflow, product < 1 << 24 else { return nil }
            multiple = product
        }
        return multiple
    }

    private static func greatestCommonDivisor(_ first: UInt64, _ second: UInt64) -> UInt64 {
        second == 0 ? first : greatestCommonDivisor(second, first % second)
    }
}

extension Array {
    /// Each model once, where it stands first, its weights put together.
    fileprivate func merged<Weight>(_ sum: (Weight, Weight) -> Weight) -> [(model: String, weight: Weight)]
    where Element == (model: String, weight: Weight) {
        var places: [String: Int] = [:]
        var merged: [(model: String, weight: Weight)] = []
        for (model, weight) in self {
            if let place = places[model] {
                merged[place].weight = sum(merged[place].weight, weight)
            } else {
                places[model] = merged.count
                merged.append((model, weight))
            }
        }
        return merged
    }
}
