import Admission
import Catalog
import Testing

/// Random sequences of requests, settlements, new periods, clocks set back, resets and suspensions, beside a model that keeps
/// its books in dictionaries: 100,000 of them.
@Suite struct QuotaModelTests {
    private static let clients = ["a", "b"]
    private static let models = ["x", "y"]

    /// One limit, as the model of it has it.
    private struct Ledger {
        let subject: Denial.Subject
        let quota: Quota
        let slot: UInt32
        /// By client, -1 first, and model.
        private let covers: [Bool]
        var period: Int64 = 0
        var used: UInt64 = 0
        var reserved: UInt64 = 0

        init(_ subject: AccountKey.Subject, _ quota: Quota, _ slot: UInt32) {
            self.quota = quota
            self.slot = slot
            func covers(_ isCovered: (String, String) -> Bool) -> [Bool] {
                ([""] + clients).flatMap { client in models.map { isCovered(client, $0) } }
            }
            switch subject {
            case .client(let name): (self.subject, self.covers) = (.client, covers { client, _ in client == name })
            case .model(let name): (self.subject, self.covers) = (.model, covers { _, model in model == name })
            case .pair(let name, let other): (self.subject, self.covers) = (.pair, covers { $0 == name && $1 == other })
            }
        }

        func applies(_ client: Int, _ model: Int) -> Bool { covers[(client + 1) * models.count + model] }

        func usedNow(_ now: Calendar) -> UInt64 { now.number(quota.period) > period ? 0 : used }

        mutating func use(_ count: UInt64, _ now: Calendar) {
            guard count > 0 else { return }
            if now.number(quota.period) > period { (period, used) = (now.number(quota.period), 0) }
            used += count
        }
    }

    /// The calendar, done another way than by the code under test: year by year and month by month.
    private struct Calendar {
        let epoch: Int64
        private let months: Int64

        init(_ epoch: Int64) {
            self.epoch = epoch
            var (year, rest): (Int64, Int64) = (1970, epoch / 86_400)
            func isLeap(_ year: Int64) -> Bool { year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) }
            while rest >= (isLeap(year) ? 366 : 365) {
                rest -= isLeap(year) ? 366 : 365
                year += 1
            }
            let lengths: [Int64] = [31, isLeap(year) ? 29 : 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]
            var month = 0
            while rest >= lengths[month] {
                rest -= lengths[month]
                month += 1
            }
            months = (year - 1970) * 12 + Int64(month)
        }

        func number(_ period: Quota.Period) -> Int64 { period == .day ? epoch / 86_400 : months }
    }

    /// A request under way.
    private struct UnderWay {
        var grant: Grant
        var client: Int
        var model: Int
        var prompt: UInt64
        var answer: UInt64
    }

    /// Both sides, and how they go on.
    private struct Run {
        let governed: Governed
        let prices: [Price?]
        let concurrent: UInt64
        var table: AdmissionTable
        var ledgers: [Ledger]
        var random: SplitMix
        let rates: (requests: UInt32, tokens: UInt32)
        var now = Calendar(Governed.epoch)
        var underWay: [UnderWay] = []
        var requests: UInt64 = 0
        var tokens: UInt64 = 0

        init(seed: UInt64) throws {
            random = SplitMix(state: seed &* 0x9E37_79B9)
            concurrent = UInt64.random(in: 1...4, using: &random)
            prices = [
                Price(input: 3_000_000, output: 1_500_000),
                Bool.random(using: &random) ? nil : Price(input: 1, output: 9),
            ]
            var catalog = Catalog()
            for (name, price) in zip(models, prices) {
                catalog.models.append(
                    Model(name: name, endpoints: [], allowance: Self.allowance(&random), price: price))
            }
            for name in clients {
                var allowance = Self.allowance(&random)
                allowance.concurrent = concurrent
                allowance.requests = Rate(1_000_000_000, per: .second)
                allowance.burst = 1 << 30
                allowance.tokens = Rate(1_000_000_000, per: .second)
                catalog.clients.append(
                    Client(name: name, allowance: allowance, modelAllowances: ["x": Self.allowance(&random)]))
            }
            governed = try Governed(catalog)
            table = governed.table
            ledgers = []
            rates = try (governed.slot(.client("a"), .requests), governed.slot(.client("a"), .tokens))
            func add(_ subject: AccountKey.Subject, _ allowance: Allowance) throws {
                for quota in allowance.quotas {
                    let slot = try governed.slot(subject, .quota(quota.period, quota.unit))
                    ledgers.append(Ledger(subject, quota, slot))
                }
            }
            // In the order in which they are asked.
            for model in catalog.models { try add(.model(model.name), model.allowance) }
            for client in catalog.clients {
                try add(.pair(client: client.name, model: "x"), client.modelAllowances["x"] ?? Allowance())
            }
            for client in catalog.clients { try add(.client(client.name), client.allowance) }
        }

        private static func allowance(_ random: inout SplitMix) -> Allowance {
            var quotas: [Quota] = []
            for period in Quota.Period.allCases {
                for unit in Quota.Unit.allCases where Int.random(in: 0..<3, using: &random) == 0 {
                    let limit = UInt64.random(in: 0...(unit == .requests ? 8 : 400), using: &random)
                    let policy = [Quota.Exhausted.reject, .reject, .rotate, .lowPriority].randomElement(
                        using: &random)
                    quotas.append(Quota(limit, unit, per: period, onExhausted: policy ?? .reject))
                }
            }
            return Allowance(quotas: quotas)
        }

        private func amount(_ unit: Quota.Unit, _ model: Int, _ input: UInt64, _ output: UInt64)
            -> UInt64
        {
            switch unit {
            case .requests: 1
            case .tokens: input + output
            case .cost:
                prices[model].map { ($0.input * input + $0.output * output + 999_999) / 1_000_000 } ?? 0
            }
        }

        /// What has to come of it: a denial's kind, subject and policy, or whether it goes on behind others.
        private func expected(_ client: Int, _ model: Int, _ prompt: UInt64, _ answer: UInt64) -> (
            Denial.Kind, Denial.Subject, Quota.Exhausted
        )? {
            let ledgers = ledgers.filter { $0.applies(client, model) }
            if governed.page.isSuspended, let first = ledgers.first {
                return (.suspended, first.subject, .reject)
            }
            for subject in [.model, .pair, .client] as [Denial.Subject] {
                if subject == .client, client >= 0,
                    underWay.count(where: { $0.client == client }) >= concurrent
                {
                    return (.concurrency, .client, .reject)
                }
                for ledger in ledgers
                where ledger.subject == subject && isUsedUp(ledger, model, prompt, answer) {
                    guard ledger.quota.onExhausted == .lowPriority else {
                        return (
                            .quota(ledger.quota.period, ledger.quota.unit), subject, ledger.quota.onExhausted
                        )
                    }
                }
            }
            return nil
        }

        private func isUsedUp(_ ledger: Ledger, _ model: Int, _ prompt: UInt64, _ answer: UInt64)
            -> Bool
        {
            let need = amount(ledger.quota.unit, model, prompt, answer)
            return need > 0 && ledger.usedNow(now) + ledger.reserved + need > ledger.quota.limit
        }

        // MARK: - Steps

        mutating func admit() -> Bool {
            let (client, model) = (
                Int.random(in: -1...1, using: &random), Int.random(in: 0...1, using: &random)
            )
            let (prompt, answer) = (
                UInt64.random(in: 0...40, using: &random), UInt64.random(in: 0...60, using: &random)
            )
            let expected = expected(client, model, prompt, answer)
            let isLow = ledgers.contains {
                $0.applies(client, model) && isUsedUp($0, model, prompt, answer)
            }
            let demand = Demand(
                client: client, prompt: prompt, answer: answer, now: Governed.now, epoch: now.epoch)
            switch table.admit(model, demand) {
            case .ungoverned:
                return client < 0 && expected == nil && !ledgers.contains { $0.applies(client, model) }
            case .denied(let denial):
                return expected.map { $0 == (denial.kind, denial.subject, denial.onExhausted) } == true
            case .granted(let grant):
                guard expected == nil, grant.isLowPriority == isLow else { return false }
                reserve(client, model, prompt, answer)
                underWay.append(
                    UnderWay(grant: grant, client: client, model: model, prompt: prompt, answer: answer))
                return true
            }
        }

        private mutating func reserve(_ client: Int, _ model: Int, _ prompt: UInt64, _ answer: UInt64) {
            for index in ledgers.indices where ledgers[index].applies(client, model) {
                ledgers[index].reserved += amount(ledgers[index].quota.unit, model, prompt, answer)
            }
            guard client == 0 else { return }
            requests += 1
            tokens += prompt + answer
        }

        mutating func settle() {
            guard let place = underWay.indices.randomElement(using: &random) else { return }
            var flow = underWay.remove(at: place)
            let answered = Int.random(in: 0..<4, using: &random) > 0
            let isKnown = Bool.random(using: &random)
            let use = TokenUse(
                input: UInt64.random(in: 0...90, using: &random),
                output: UInt64.random(in: 0...90, using: &random))
            flow.grant.settle(isKnown ? use : nil, answered: answered, now: Governed.now, epoch: now.epoch)
            let (input, output) =
                isKnown ? (use.input, use.output) : answered ? (flow.prompt, flow.answer) : (0, 0)
            for index in ledgers.indices where ledgers[index].applies(flow.client, flow.model) {
                let unit = ledgers[index].quota.unit
                ledgers[index].reserved -= amount(unit, flow.model, flow.prompt, flow.answer)
                ledgers[index].use(
                    unit == .requests ? (answered ? 1 : 0) : amount(unit, flow.model, input, output), now)
            }
            if flow.client == 0 { tokens = tokens + input + output - flow.prompt - flow.answer }
            // A second time it does nothing.
            if Bool.random(using: &random) {
                flow.grant.settle(use, answered: true, now: Governed.now, epoch: now.epoch)
            }
        }

        mutating func moveOn() {
            let hours: Int64 = [1, 11, 25, 24 * 31, -3, -30].randomElement(using: &random) ?? 1
            now = Calendar(now.epoch + hours * 3600)
        }

        mutating func reset() {
            guard let index = ledgers.indices.randomElement(using: &random) else { return }
            let ledger = ledgers[index]
            governed.page.reset(ledger.slot, ledger.quota.period, epoch: now.epoch)
            (ledgers[index].period, ledgers[index].used) = (now.number(ledger.quota.period), 0)
        }

        /// Every word is what the model says.
        func isEven() -> Bool {
            ledgers.allSatisfy { ledger in
                governed.page.read(ledger.slot)?.word == QuotaWord(period: UInt16(ledger.period), used: ledger.used)
            }
        }

        /// All that is under way ends; nothing is held, and the rates of the first client stand where they should.
        mutating func finish() -> Bool {
            governed.page.isSuspended = false
            while !underWay.isEmpty { settle() }
            func debt(_ slot: UInt32) -> UInt64 {
                let time = governed.page.read(slot)?.word.rawValue ?? 0
                return time > Governed.now ? time - Governed.now : 0
            }
            guard debt(rates.0) == requests, debt(rates.1) == tokens, governed.held.isEmpty else {
                return false
            }
            governed.page.refill(rates.0)
            governed.page.refill(rates.1)
            (requests, tokens) = (0, 0)
            return isEven()
        }
    }

    @Test(arguments: 0..<50) func theBooksAgreeWithTheModel(seed: Int) throws {
        var run = try Run(seed: UInt64(seed))
        for sequence in 0..<2000 {
            for step in 0..<Int.random(in: 4...14, using: &run.random) {
                switch Int.random(in: 0..<24, using: &run.random) {
                case 0..<12:
                    let isAsExpected = run.admit()
                    try #require(isAsExpected, "sequence \(sequence), step \(step)")
                case 12..<19: run.settle()
                case 19..<21: run.moveOn()
                case 21..<23: run.reset()
                default: run.governed.page.isSuspended.toggle()
                }
            }
            let isEven = run.finish()
            try #require(isEven, "sequence \(sequence)")
        }
    }
}
