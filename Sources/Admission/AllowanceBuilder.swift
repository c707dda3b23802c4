internal import Catalog

/// Makes the tables that requests are charged by out of a catalogue.
struct AllowanceBuilder {
    var charges: [Charge] = []
    var models: [ModelTerms] = []
    var clients: [ClientTerms] = []
    /// Names of what has to be counted in this process; charges have their positions here until `place`.
    var counts: [String] = []

    private let page: AccountPage?
    private var slots: [AccountKey: UInt32] = [:]

    init(_ catalog: Catalog, _ page: AccountPage?, _ slots: [UInt32]) throws(AllowanceFault) {
        self.page = page
        let accounts = catalog.accounts
        guard page == nil || slots.count == accounts.count else {
            throw .slotCount(given: slots.count, needed: accounts.count)
        }
        var seen: Set<AccountKey> = []
        for (number, account) in accounts.enumerated() {
            guard seen.insert(account).inserted else { throw .repeated(account.text) }
            guard let page else { continue }
            guard page.holds(slots[number], account.text) else { throw .noAccount(account.text, slot: slots[number]) }
            self.slots[account] = slots[number]
        }
    }

    /// Anything of it can matter to a request.
    var isNeeded: Bool {
        models.contains { !$0.terms.isEmpty || $0.price != nil || $0.contextLength != nil }
            || clients.contains { !$0.terms.isEmpty || !$0.pairs.isEmpty || $0.session != nil || $0.address != nil }
    }

    mutating func build(_ catalog: Catalog) throws(AllowanceFault) {
        for model in catalog.models {
            let terms = try terms(of: .model(model.name), model.allowance)
            models.append(ModelTerms(terms: terms, price: model.price, contextLength: model.contextLength))
        }
        let numbers = Dictionary(catalog.models.enumerated().map { ($1.name, $0) }) { first, _ in first }
        for client in catalog.clients { clients.append(try self.client(client, numbers)) }
    }

    private mutating func client(_ client: Client, _ numbers: [String: Int]) throws(AllowanceFault) -> ClientTerms {
        let hash = client.name.utf8.reduce(0xCBF2_9CE4_8422_2325 as UInt64) { ($0 ^ UInt64($1)) &* 0x100_0000_01B3 }
        var terms = ClientTerms(terms: try self.terms(of: .client(client.name), client.allowance), hash: hash)
        for (model, allowance) in client.modelAllowances {
            guard let number = numbers[model] else { continue }
            terms.pairs.append((number, try self.terms(of: .pair(client: client.name, model: model), allowance)))
        }
        terms.pairs.sort { $0.model < $1.model }
        terms.session = SessionTerms(client.perSession?.allowance, lifetime: client.perSession?.lifetimeRequests)
        terms.sessionKey = terms.session == nil ? nil : client.perSession?.key
        terms.address = SessionTerms(client.perAddress)
        return terms
    }

    private mutating func terms(
        of subject: AccountKey.Subject, _ allowance: Allowance
    ) throws(AllowanceFault) -> SubjectTerms {
        let start = charges.count
        if let concurrent = allowance.concurrent {
            charges.append(.concurrency(ConcurrencyCharge(limit: concurrent, held: count(subject, "concurrent"))))
        }
        for measure in [.requests, .tokens, .inputTokens, .outputTokens] as [SessionMeasure] {
            add(measure, subject, allowance)
        }
        for quota in allowance.quotas { add(quota, subject) }
        let added = charges[start...]
        guard added.count <= AllowanceTable.limitsPerSubject else {
            throw .tooManyLimits(AccountKey(subject, .requests).text, added.count)
        }
        return SubjectTerms(
            charges: start..<charges.count, sizes: SizeTerms(allowance), countsTokens: added.contains { $0.countsTokens },
            hasQuota: added.contains { $0.isQuota })
    }

    private mutating func add(_ measure: SessionMeasure, _ subject: AccountKey.Subject, _ allowance: Allowance) {
        let key = AccountKey(subject, measure.account)
        guard let page, let slot = slots[key], let limit = Limit(measure.account, of: allowance) else { return }
        charges.append(.rate(RateCharge(measure: measure, limit: limit, slot: slot, tenure: page.tenure(slot))))
    }

    private mutating func add(_ quota: Quota, _ subject: AccountKey.Subject) {
        let key = AccountKey(subject, .quota(quota.period, quota.unit))
        guard let page, let slot = slots[key] else { return }
        charges.append(
            .quota(
                QuotaCharge(
                    period: quota.period, unit: quota.unit, limit: quota.limit, onExhausted: quota.onExhausted, slot: slot,
                    tenure: page.tenure(slot), held: count(key.text))))
    }

    private mutating func count(_ subject: AccountKey.Subject, _ what: String) -> Int {
        count("\(what) \(AccountKey(subject, .requests).text)")
    }

    private mutating func count(_ name: String) -> Int {
        counts.append(name)
        return counts.count - 1
    }

    /// Puts where the counts are into the charges in the place of their positions.
    mutating func place(_ indices: [Int]) {
        charges = charges.map { charge in
            switch charge {
            case .rate: return charge
            case .quota(var quota):
                quota.held = indices[quota.held]
                return .quota(quota)
            case .concurrency(var concurrency):
                concurrency.held = indices[concurrency.held]
                return .concurrency(concurrency)
            }
        }
    }
}

extension Charge {
    fileprivate var countsTokens: Bool {
        switch self {
        case .rate(let rate): rate.measure != .requests
        case .quota(let quota): quota.unit != .requests
        case .concurrency: false
        }
    }

    fileprivate var isQuota: Bool {
        if case .quota = self { return true }
        return false
    }
}

extension SessionMeasure {
    fileprivate var account: AccountKey.Measure {
        switch self {
        case .requests: .requests
        case .tokens: .tokens
        case .inputTokens: .inputTokens
        case .outputTokens: .outputTokens
        }
    }
}
