/// What a request took out of its model's QoS.
struct QoSCharge: Sendable {
    let page: QoSPage
    let slot: UInt32
    let model: String
    /// Tokens estimated.
    let reserved: UInt64
    /// The request, and the estimate, were taken out of the buckets.
    var tookRequest = false
    var tookTokens = false

    /// Takes the request and the tokens; where that is refused, what was taken is still to be taken back.
    mutating func take(_ entry: Entry, now: UInt64) -> Denial? {
        if let limit = entry.requests, let denial = take(1, .requests, limit, entry, now, &tookRequest) { return denial }
        guard let limit = entry.tokens, reserved > 0 else { return nil }
        return take(reserved, .tokens, limit, entry, now, &tookTokens)
    }

    /// `isTaken` becomes true unless the units were refused, or let pass uncharged by an entry that only observes.
    private func take(
        _ count: UInt64, _ kind: LimitKind, _ limit: Limit, _ entry: Entry, _ now: UInt64, _ isTaken: inout Bool
    ) -> Denial? {
        let bucket = page.bucket(slot, kind)
        let outcome = bucket.cell.take(count, limit, now: now)
        isTaken = outcome == .admitted
        bucket.note(outcome, count, isObserving: entry.isObserving)
        guard !isTaken, !entry.isObserving else { return nil }
        return Denial(kind == .requests ? .requests : .tokens, .model, limit, retry: bucket.cell.wait(count, limit, now: now))
    }

    /// Puts what was used in the place of the estimate.
    func settle(_ used: UInt64, now: UInt64) {
        guard tookTokens, let limit = page.entry(slot, named: model).tokens else { return }
        page.bucket(slot, .tokens).correct(reserved, to: used, limit, now: now)
    }

    func takeBack(now: UInt64) {
        let entry = page.entry(slot, named: model)
        if tookRequest, let limit = entry.requests { page.bucket(slot, .requests).correct(1, to: 0, limit, now: now) }
        if tookTokens, let limit = entry.tokens { page.bucket(slot, .tokens).correct(reserved, to: 0, limit, now: now) }
    }

    /// What is left of the model's limits as they are now.
    func levels(now: UInt64) -> LimitLevels { page.levels(slot, page.entry(slot, named: model), now: now) }
}

extension QoSPage {
    func levels(_ slot: UInt32, _ entry: Entry, now: UInt64) -> LimitLevels {
        var levels = LimitLevels()
        if let limit = entry.requests { levels.requests = bucket(slot, .requests).cell.level(limit, now: now) }
        if let limit = entry.tokens { levels.tokens = bucket(slot, .tokens).cell.level(limit, now: now) }
        return levels
    }
}
