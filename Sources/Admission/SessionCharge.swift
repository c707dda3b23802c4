/// What one request took of the limits of its session, or of its address.
struct SessionCharge: Sendable {
    /// Where they are counted; negative: nothing was taken.
    private var entry: Int32 = -1
    /// The rates that were charged, by `SessionMeasure`.
    private var rates: UInt8 = 0
    private var isCounted = false

    private static let measures: InlineArray<4, SessionMeasure> = [.requests, .tokens, .inputTokens, .outputTokens]

    mutating func take(
        _ terms: SessionTerms, _ shelf: SessionShelf, _ key: UInt64, _ amounts: Amounts, _ subject: Denial.Subject, now: UInt64
    ) -> Denial? {
        guard case .entered(let index) = shelf.enter(key, upTo: terms.concurrent, now: now) else {
            return Denial(concurrency: min(terms.concurrent, SessionShelf.mostActive), subject)
        }
        entry = Int32(truncatingIfNeeded: index)
        if let lifetime = terms.lifetime {
            isCounted = shelf.count(index, upTo: lifetime)
            guard isCounted else {
                return Denial(.sessionLifetime, subject, retry: Denial.longestRetry, limit: lifetime)
            }
        }
        for place in 0..<4 {
            guard let limit = terms.limits[place] else { continue }
            let (measure, cell) = (Self.measures[place], shelf.rate(index, Self.measures[place]))
            let count = amounts.of(measure)
            guard count == 0 || cell.take(count, limit, now: now) == .admitted else {
                return Denial(measure, subject, limit, retry: cell.wait(count, limit, now: now))
            }
            rates |= 1 << UInt8(place)
        }
        return nil
    }

    /// Puts `used` in the place of `amounts`. `keepsRequests`: the rate of requests stays charged.
    func finish(
        _ terms: SessionTerms, _ shelf: SessionShelf, _ amounts: Amounts, _ used: Amounts, _ answered: Bool,
        _ keepsRequests: Bool, now: UInt64
    ) {
        guard entry >= 0 else { return }
        for place in 0..<4 where rates & 1 << UInt8(place) != 0 {
            guard let limit = terms.limits[place] else { continue }
            let (measure, cell) = (Self.measures[place], shelf.rate(Int(entry), Self.measures[place]))
            let after = measure != .requests ? used.of(measure) : keepsRequests ? 1 : 0
            cell.correct(amounts.of(measure), to: after, limit, now: now)
        }
        if isCounted, !answered { shelf.uncount(Int(entry)) }
        // From here on the entry may become another's.
        shelf.leave(Int(entry), now: now)
    }

    /// Takes in what is left of its rates.
    func tighten(_ levels: inout LimitLevels, _ terms: SessionTerms, _ shelf: SessionShelf, now: UInt64) {
        guard entry >= 0 else { return }
        for place in 0..<4 {
            guard let limit = terms.limits[place] else { continue }
            levels.tighten(Self.measures[place], shelf.rate(Int(entry), Self.measures[place]).level(limit, now: now))
        }
    }
}
