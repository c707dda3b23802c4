internal import Catalog

/// What one request took of the limits in an `AllowanceTable`: where they are, and a bit for each that it did take.
struct AllowanceCharge: Sendable {
    let storage: AllowanceTable.Storage
    private let model: Int
    private let client: Int
    /// What was reserved.
    private let amounts: Amounts
    /// Of the table's charges those of the model, of the pair and of the client: sixteen bits of `taken` each.
    private var charges: InlineArray<3, Range<UInt32>> = [0..<0, 0..<0, 0..<0]
    private var taken: UInt64 = 0
    private var session = SessionCharge()
    private var address = SessionCharge()
    private(set) var isLowPriority = false

    private static let subjects: InlineArray<3, Denial.Subject> = [.model, .pair, .client]

    init(_ storage: AllowanceTable.Storage, _ model: Int, _ demand: Demand) {
        self.storage = storage
        self.model = model
        client = demand.client
        amounts = Amounts(
            input: demand.isInference ? demand.prompt : 0, output: demand.isInference ? demand.answer : 0,
            storage.price(model))
    }

    /// Takes everything that such a request needs, in the order model, pair, client, session, address. Where that is
    /// refused, what it has taken so far is still to be taken back.
    mutating func take(_ demand: Demand) -> Denial? {
        if let denial = find(storage.model(model)?.terms, 0) { return denial }
        let terms = storage.client(client)
        if let denial = find(terms?.pair(model), 1) ?? find(terms?.terms, 2) { return denial }
        for place in 0..<3 {
            if let denial = take(place, demand) { return denial }
        }
        guard let terms else { return nil }
        if let limits = terms.session, demand.session != 0 {
            let shelf = storage.sessions.sessions
            let key = shelf.key(terms.hash, demand.session)
            if let denial = session.take(limits, shelf, key, amounts, .session, now: demand.now) { return denial }
        }
        guard let limits = terms.address else { return nil }
        let shelf = storage.sessions.addresses
        let key = shelf.key(terms.hash, demand.address)
        return address.take(limits, shelf, key, amounts, .address, now: demand.now)
    }

    /// Nothing that a quota governs passes while what is used can't be written down.
    private mutating func find(_ terms: SubjectTerms?, _ place: Int) -> Denial? {
        guard let terms else { return nil }
        charges[place] = UInt32(terms.charges.lowerBound)..<UInt32(terms.charges.upperBound)
        return terms.hasQuota && storage.page?.isSuspended == true ? .suspended(Self.subjects[place]) : nil
    }

    private mutating func take(_ place: Int, _ demand: Demand) -> Denial? {
        var bit: UInt64 = 1 << UInt64(place * AllowanceTable.limitsPerSubject)
        for index in charges[place] {
            var isTaken = false
            if let denial = take(storage.charges[Int(index)], Self.subjects[place], demand, &isTaken) { return denial }
            if isTaken { taken |= bit }
            bit <<= 1
        }
        return nil
    }

    private mutating func take(
        _ charge: Charge, _ subject: Denial.Subject, _ demand: Demand, _ isTaken: inout Bool
    ) -> Denial? {
        switch charge {
        case .rate(let rate):
            guard let page = storage.page else { return nil }
            return rate.take(amounts, page, subject, now: demand.now, isTaken: &isTaken)
        case .quota(let quota):
            guard let page = storage.page else { return nil }
            return quota.take(
                amounts, page, storage.held, subject, epoch: demand.epoch, isTaken: &isTaken, isLow: &isLowPriority)
        case .concurrency(let concurrency):
            let denial = concurrency.take(storage.held, subject)
            isTaken = denial == nil
            return denial
        }
    }

    // MARK: - Afterwards

    /// Takes in what is left of the rates that the request was charged to.
    func tighten(_ levels: inout LimitLevels, now: UInt64) {
        guard let page = storage.page else { return }
        for place in 0..<3 {
            for index in charges[place] {
                guard case .rate(let rate) = storage.charges[Int(index)], page.tenure(rate.slot) == rate.tenure else { continue }
                levels.tighten(rate.measure, page.bucket(rate.slot).cell.level(rate.limit, now: now))
            }
        }
        let terms = storage.client(client)
        if let limits = terms?.session { session.tighten(&levels, limits, storage.sessions.sessions, now: now) }
        if let limits = terms?.address { address.tighten(&levels, limits, storage.sessions.addresses, now: now) }
    }

    /// Puts what was used in the place of what was reserved.
    func settle(_ use: TokenUse?, answered: Bool, now: UInt64, epoch: Int64) {
        var used = Amounts(input: use?.input ?? 0, output: use?.output ?? 0, storage.price(model))
        if use == nil, answered { used = amounts }
        finish(used, answered: answered, keepsRequests: true, now: now, epoch: epoch)
    }

    /// As if nothing had been taken.
    func takeBack(now: UInt64) {
        finish(Amounts(input: 0, output: 0, nil), answered: false, keepsRequests: false, now: now, epoch: 0)
    }

    /// - Parameter keepsRequests: rates of requests stay charged, also for one that nobody answered.
    private func finish(_ used: Amounts, answered: Bool, keepsRequests: Bool, now: UInt64, epoch: Int64) {
        for place in 0..<3 {
            var bit: UInt64 = 1 << UInt64(place * AllowanceTable.limitsPerSubject)
            for index in charges[place] {
                if taken & bit != 0 {
                    finish(storage.charges[Int(index)], used, answered, keepsRequests, now: now, epoch: epoch)
                }
                bit <<= 1
            }
        }
        let terms = storage.client(client)
        if let limits = terms?.session {
            session.finish(limits, storage.sessions.sessions, amounts, used, answered, keepsRequests, now: now)
        }
        if let limits = terms?.address {
            address.finish(limits, storage.sessions.addresses, amounts, used, answered, keepsRequests, now: now)
        }
    }

    private func finish(
        _ charge: Charge, _ used: Amounts, _ answered: Bool, _ keepsRequests: Bool, now: UInt64, epoch: Int64
    ) {
        switch charge {
        case .rate(let rate):
            guard let page = storage.page else { return }
            if rate.measure == .requests {
                if !keepsRequests { rate.correct(1, to: 0, page, now: now) }
            } else {
                rate.correct(amounts.of(rate.measure), to: used.of(rate.measure), page, now: now)
            }
        case .quota(let quota):
            guard let page = storage.page else { return }
            let units = quota.unit == .requests ? (answered ? 1 : 0) : used.of(quota.unit)
            quota.settle(amounts.of(quota.unit), to: units, page, storage.held, epoch: epoch)
        case .concurrency(let concurrency): storage.held.release(1, concurrency.held)
        }
    }
}
