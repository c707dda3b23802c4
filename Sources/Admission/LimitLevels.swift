/// How much of a limit is left.
package struct LimitLevel: Hashable, Sendable {
    /// Units that a full bucket has.
    package var capacity: UInt64
    package var remaining: UInt64
    /// Nanoseconds until it is full again.
    package var reset: UInt64

    package init(capacity: UInt64, remaining: UInt64, reset: UInt64) {
        self.capacity = capacity
        self.remaining = remaining
        self.reset = reset
    }
}

/// The levels of the limits that a model has.
package struct LimitLevels: Hashable, Sendable {
    package var requests: LimitLevel?
    package var tokens: LimitLevel?

    package init() {}
}

extension LimitLevels {
    /// Takes the level of a rate where less is left of it than of those before.
    mutating func tighten(_ measure: SessionMeasure, _ level: @autoclosure () -> LimitLevel) {
        switch measure {
        case .requests: requests = Self.tighter(requests, level())
        case .tokens, .inputTokens, .outputTokens: tokens = Self.tighter(tokens, level())
        }
    }

    private static func tighter(_ first: LimitLevel?, _ second: LimitLevel) -> LimitLevel {
        guard let first else { return second }
        if first.remaining != second.remaining { return first.remaining < second.remaining ? first : second }
        return first.reset >= second.reset ? first : second
    }
}

extension AllowanceTable {
    /// Takes in what is left of the rates that apply to a request: those of requests, and of tokens of both kinds together.
    func tighten(_ levels: inout LimitLevels, _ model: Int, _ demand: Demand) {
        guard let storage else { return }
        if let terms = storage.model(model)?.terms { storage.tighten(&levels, terms, now: demand.now) }
        guard let client = storage.client(demand.client) else { return }
        if let terms = client.pair(model) { storage.tighten(&levels, terms, now: demand.now) }
        storage.tighten(&levels, client.terms, now: demand.now)
        if let terms = client.session, demand.session != 0 {
            let shelf = storage.sessions.sessions
            levels.tighten(terms, shelf, shelf.key(client.hash, demand.session), now: demand.now)
        }
        if let terms = client.address {
            let shelf = storage.sessions.addresses
            levels.tighten(terms, shelf, shelf.key(client.hash, demand.address), now: demand.now)
        }
    }
}

extension AllowanceTable.Storage {
    fileprivate func tighten(_ levels: inout LimitLevels, _ terms: SubjectTerms, now: UInt64) {
        guard let page else { return }
        for index in terms.charges {
            guard case .rate(let rate) = charges[index], page.tenure(rate.slot) == rate.tenure else { continue }
            levels.tighten(rate.measure, page.bucket(rate.slot).cell.level(rate.limit, now: now))
        }
    }
}

extension LimitLevels {
    /// A session that is not there yet has used nothing.
    fileprivate mutating func tighten(_ terms: SessionTerms, _ shelf: SessionShelf, _ key: UInt64, now: UInt64) {
        let index = shelf.find(key, now: now)
        for measure in SessionMeasure.allCases {
            guard let limit = terms.limits[measure.rawValue] else { continue }
            let full = LimitLevel(capacity: limit.burst, remaining: limit.burst, reset: 0)
            tighten(measure, index.map { shelf.rate($0, measure).level(limit, now: now) } ?? full)
        }
    }
}
