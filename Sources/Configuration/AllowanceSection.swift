import Catalog

/// `limits` and `quotas`: how much somebody may use.
enum AllowanceSection {
    static let keys = [
        "requests", "burst", "tokens", "inputTokens", "outputTokens", "concurrent", "requestBytes", "tokensPerRequest",
    ]
    private static let known = KnownKeys(keys)
    private static let periods = KnownKeys(["day", "month"])
    private static let quotaKeys = KnownKeys(["tokens", "requests", "cost", "alertAt", "onExhausted"])
    /// What is used is counted in 48 bits.
    private static let most = 1_000_000_000_000
    private static let mostCost: UInt64 = 100_000_000

    static func read(limits: Field?, quotas: Field?, _ reading: Reading) -> Allowance {
        var allowance = Allowance()
        if let limits { allowance = read(reading.members(limits, known), reading) }
        if let quotas { allowance.quotas = self.quotas(quotas, reading) }
        return allowance
    }

    /// The limits among `fields`.
    static func read(_ fields: [String: Field], _ reading: Reading) -> Allowance {
        var allowance = Allowance()
        let rates: [(String, WritableKeyPath<Allowance, Rate?>)] = [
            ("requests", \.requests), ("tokens", \.tokens), ("inputTokens", \.inputTokens), ("outputTokens", \.outputTokens),
        ]
        for (key, path) in rates {
            allowance[keyPath: path] = fields[key].flatMap { reading.value($0, rate)?.value }
        }
        allowance.burst = fields["burst"].flatMap { reading.value($0, burst)?.value }
        allowance.concurrent = fields["concurrent"].flatMap { reading.value($0, count)?.value }
        allowance.requestBytes = fields["requestBytes"].flatMap { field in
            reading.value(field) { text throws(Refusal) in
                UInt64(try NumberText.bytes(text, in: 1...1 << 30, "from 1 byte to 1GiB"))
            }?.value
        }
        allowance.tokensPerRequest = fields["tokensPerRequest"].flatMap { field in
            reading.value(field) { text throws(Refusal) in UInt64(try NumberText.integer(text, in: 1...1_000_000_000)) }?.value
        }
        check(allowance, fields, reading)
        return allowance
    }

    /// Rates that were not read have their faults already.
    private static func check(_ allowance: Allowance, _ fields: [String: Field], _ reading: Reading) {
        guard let field = fields["burst"], fields["requests"] == nil || allowance.requests != nil else { return }
        guard let fault = QoSCheck.burstFault("requests", allowance.requests, "burst", allowance.burst) else { return }
        reading.fault(field, fault.message)
    }

    private static func rate(_ text: String) throws(Refusal) -> Rate {
        guard let rate = QoSText.rate(text) else { throw Refusal("is not \(QoSText.rateForm)") }
        return rate
    }

    private static func burst(_ text: String) throws(Refusal) -> UInt64 {
        guard let burst = QoSText.burst(text) else { throw Refusal("is not \(QoSText.burstForm)") }
        return burst
    }

    private static func count(_ text: String) throws(Refusal) -> UInt64 {
        UInt64(try NumberText.integer(text, in: 0...1_000_000_000))
    }

    private static func quotas(_ field: Field, _ reading: Reading) -> [Quota] {
        let fields = reading.members(field, periods)
        var quotas: [Quota] = []
        for (key, period) in [("day", Quota.Period.day), ("month", .month)] {
            if let field = fields[key] { quotas += self.quotas(of: period, field, reading) }
        }
        return quotas
    }

    private static func quotas(of period: Quota.Period, _ field: Field, _ reading: Reading) -> [Quota] {
        let fields = reading.members(field, quotaKeys)
        switch field.value.content {
        case .null, .mapping: break
        case .list, .scalar: return []
        }
        var model = Quota(0, .requests, per: period)
        reading.set(&model.alertAt, fields["alertAt"]) { text throws(Refusal) in
            UInt8(try NumberText.percent(text, in: 1...100))
        }
        reading.set(&model.onExhausted, fields["onExhausted"]) { text throws(Refusal) in
            try NameText.word(text, of: Quota.Exhausted.self)
        }
        let units: [(String, Quota.Unit, (String) throws(Refusal) -> UInt64)] = [
            ("tokens", .tokens, amount), ("requests", .requests, amount), ("cost", .cost, cost),
        ]
        if !units.contains(where: { fields[$0.0] != nil }) {
            reading.fault(field, "sets no quota; give tokens, requests or cost")
        }
        return units.compactMap { key, unit, parse in
            guard let field = fields[key], let limit = reading.value(field, parse) else { return nil }
            return Quota(limit.value, unit, per: period, alertAt: model.alertAt, onExhausted: model.onExhausted)
        }
    }

    private static func amount(_ text: String) throws(Refusal) -> UInt64 {
        UInt64(try NumberText.integer(text, in: 1...most))
    }

    /// In millionths.
    private static func cost(_ text: String) throws(Refusal) -> UInt64 {
        let refusal = Refusal("is not an amount of money above 0, at most \(mostCost), with at most six decimals, as 20.5")
        guard let cost = try? NumberText.millionths(text), cost > 0, cost <= mostCost * 1_000_000 else { throw refusal }
        return cost
    }
}
