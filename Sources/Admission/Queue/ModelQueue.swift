internal import Catalog
internal import Telemetry

/// The tickets of one group and level that wait for one model.
struct QueueClass: Sendable {
    var waiting = 0
    var bytes: UInt64 = 0
    var account: FairAccount
    /// Number of its last grant: between equals, who has waited for longer is next.
    var lastGrant: UInt64 = 0
}

/// What a group has got of one model, whatever the level.
struct GroupTally: Sendable {
    var inFlight: UInt64 = 0
    var granted: UInt64 = 0
    var immediate: UInt64 = 0
    var full: UInt64 = 0
    var expired: UInt64 = 0
    var shed: UInt64 = 0
    var left: UInt64 = 0
    var tokens: UInt64 = 0
    var tokenRate = RateMeter()
    var waits = Histogram()
}

/// What bounds the tickets of one group, or of all those groups that have no queue of their own.
struct QueueBound: Sendable {
    var policy: QueuePolicy
    var count = 0
    var bytes: UInt64 = 0

    func hasRoom(for asked: UInt64) -> Bool {
        count < Int(policy.length) && bytes <= policy.bytes && asked <= policy.bytes - bytes
    }
}

/// A group at one level: its own, or the one of batch requests.
struct ClassTerms: Sendable {
    var group: Int
    var level: Int32
    /// Place of the level among all, the lowest first.
    var rank: Int
    var weight: UInt32

    /// Two classes for each group.
    static func table(_ groups: [GroupTerms]) -> [ClassTerms] {
        let levels = Set(groups.map(\.level) + [GroupTerms.batchLevel]).sorted()
        let ranks = Dictionary(uniqueKeysWithValues: zip(levels, 0...))
        return groups.indices.flatMap { group in
            [groups[group].level, GroupTerms.batchLevel].map { level in
                ClassTerms(group: group, level: level, rank: ranks[level] ?? 0, weight: groups[group].weight)
            }
        }
    }
}

/// What waits for one model.
struct ModelQueue: Sendable {
    var terms: QueueTerms
    var classes: [QueueClass]
    var tallies: [GroupTally]
    /// The model's own first.
    var bounds: [QueueBound]
    /// Place of each group's among the bounds.
    let boundOf: [Int]
    /// By rank of a level: tickets that wait, and the rounds that were given, in tokens for a weight of 1.
    var waitingByRank: [Int]
    var rounds: [Double]
    /// Groups whose share others may not use.
    let reserving: [Int]
    /// Places of the gates at which somebody waits.
    var gates: [Int32] = []
    var waiting = 0
    var drain = DrainMeter()
    /// Grants since the last one that was made for age alone.
    var sinceAged = Self.agedEvery
    /// Slots in all, as it was told last.
    var limit: UInt64 = 0
    /// Mean tokens of a request.
    var meanCost = 1.0
    private var costs = 0.0

    /// Of so many grants one may be for age.
    static let agedEvery = 4

    init(_ terms: QueueTerms, _ groups: [GroupTerms], _ table: [ClassTerms]) {
        self.terms = terms
        classes = table.map { QueueClass(account: FairAccount(weight: $0.weight)) }
        tallies = groups.map { _ in GroupTally() }
        let ranks = (table.map(\.rank).max() ?? 0) + 1
        waitingByRank = Array(repeating: 0, count: ranks)
        rounds = Array(repeating: 0, count: ranks)
        reserving = groups.indices.filter { !groups[$0].isReclaimable }.sorted { groups[$0].level > groups[$1].level }
        var bounds = [QueueBound(policy: terms.queue)]
        boundOf = groups.map { group in
            guard let queue = group.queue else { return 0 }
            bounds.append(QueueBound(policy: queue))
            return bounds.count - 1
        }
        self.bounds = bounds
    }

    var inFlight: UInt64 { tallies.reduce(0) { $0 + $1.inFlight } }

    /// - Parameter cost: tokens of a request.
    mutating func note(cost: Double) {
        costs = min(costs + 1, 64)
        meanCost = max(1, meanCost + (cost - meanCost) / costs)
    }

    // MARK: - Counting

    mutating func came(_ cls: Int, _ table: [ClassTerms], bytes: UInt64, now: UInt64) {
        let rank = table[cls].rank
        if classes[cls].waiting == 0 { classes[cls].account.wake(at: rounds[rank]) }
        if waiting == 0 { drain.begin(now) }
        classes[cls].waiting += 1
        classes[cls].bytes += bytes
        waitingByRank[rank] += 1
        waiting += 1
        let bound = boundOf[table[cls].group]
        bounds[bound].count += 1
        bounds[bound].bytes += bytes
    }

    mutating func went(_ cls: Int, _ table: [ClassTerms], bytes: UInt64, now: UInt64) {
        classes[cls].waiting -= 1
        classes[cls].bytes -= bytes
        waitingByRank[table[cls].rank] -= 1
        waiting -= 1
        let bound = boundOf[table[cls].group]
        bounds[bound].count -= 1
        bounds[bound].bytes -= bytes
        if waiting == 0 { drain.end(now) }
    }

    /// Whether nobody waits below a rank, and somebody above it.
    func isLowestOfSeveral(_ rank: Int) -> Bool {
        for lower in 0..<rank where waitingByRank[lower] > 0 { return false }
        for higher in (rank + 1)..<max(rank + 1, waitingByRank.count) where waitingByRank[higher] > 0 { return true }
        return false
    }

    // MARK: - How long it takes

    /// Nanoseconds until a ticket of this rank would get a slot; nil: nobody knows.
    mutating func expectedWait(rank: Int, now: UInt64) -> UInt64? {
        guard let rate = drain.rate(now) else { return nil }
        var ahead = 0
        for other in rank..<waitingByRank.count { ahead += waitingByRank[other] }
        return UInt64(Double(ahead + 1) / rate * 1e9)
    }

    /// Nanoseconds, 1 to 120 seconds.
    mutating func retryAfter(rank: Int, now: UInt64) -> UInt64 {
        min(max(expectedWait(rank: rank, now: now) ?? 2_000_000_000, 1_000_000_000), 120_000_000_000)
    }

    // MARK: - Reserved shares

    /// Whether a request of the group may have one of the slots that are free.
    func mayPass(_ group: Int, _ groups: [GroupTerms], limit: UInt64, inFlight: UInt64) -> Bool {
        guard limit > 0, !reserving.isEmpty else { return true }
        var kept: UInt64 = 0
        var rest = reserving.count < groups.count ? limit - 1 : limit
        let weights = groups.reduce(0) { $0 + UInt64($1.weight) }
        for reserving in reserving {
            // One slot at least is left to those who reserve nothing, and the highest levels reserve first.
            let (product, overflow) = limit.multipliedReportingOverflow(by: UInt64(groups[reserving].weight))
            let share = min(rest, max(1, overflow ? limit : product / max(1, weights)))
            rest -= share
            let unused = share > tallies[reserving].inFlight ? share - tallies[reserving].inFlight : 0
            if reserving == group, unused > 0 { return true }
            if reserving != group { kept += unused }
        }
        return limit > inFlight && limit - inFlight > kept
    }
}
