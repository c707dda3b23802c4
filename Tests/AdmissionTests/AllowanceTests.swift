import Admission
import Catalog
import Testing

/// What clients and models may use, one limit at a time.
@Suite struct AllowanceTests {
    private static let second: UInt64 = 1_000_000_000

    private static func limited(_ subject: Denial.Subject, _ allowance: Allowance) throws -> Governed {
        switch subject {
        case .model: try Governed(model: allowance)
        case .pair: try Governed(pair: allowance)
        case .client: try Governed(client: allowance)
        case .session: try Governed(session: SessionAllowance(key: .user, allowance: allowance))
        case .address: try Governed(address: allowance)
        }
    }

    static let subjects: [Denial.Subject] = [.model, .pair, .client, .session, .address]

    @Test(arguments: subjects) func ratesAreKept(subject: Denial.Subject) throws {
        let cases: [(Denial.Kind, UInt64, Allowance)] = [
            (
                .requests, 2,
                Allowance {
                    $0.requests = Rate(4, per: .second)
                    $0.burst = 2
                }
            ),
            (.tokens, 60, Allowance { $0.tokens = Rate(60, per: .second) }),
            (.inputTokens, 20, Allowance { $0.inputTokens = Rate(20, per: .minute) }),
            (.outputTokens, 40, Allowance { $0.outputTokens = Rate(40 * 60, per: .hour) }),
        ]
        for (kind, limit, allowance) in cases {
            let governed = try Self.limited(subject, allowance)
            #expect(governed.isGoverned() && governed.countsTokens() == (kind != .requests))
            // Ten tokens of prompt and twenty of answer each.
            _ = try (governed.grant(), governed.grant())
            let denial = try #require(governed.denial())
            #expect(
                denial.kind == kind && denial.subject == subject && denial.limit == limit && !denial.isNever
            )
            let wait: UInt64 =
                switch kind {
                case .requests: Self.second / 4
                case .tokens: Self.second / 2
                default: 30 * Self.second
                }
            #expect(denial.retry == wait && denial.resets == nil)
            #expect(governed.denial { $0.now += wait - 1 } != nil)
            #expect(governed.denial { $0.now += wait } == nil)
        }
    }

    @Test(arguments: subjects) func requestsUnderWayAreCounted(subject: Denial.Subject) throws {
        let governed = try Self.limited(subject, Allowance { $0.concurrent = 2 })
        var first = try governed.grant()
        var second = try governed.grant()
        #expect(
            governed.denial().map { $0.kind == .concurrency && $0.subject == subject && $0.limit == 2 }
                == true)
        #expect(governed.denial()?.retry == Self.second)
        first.settle(1, 1, answered: false)
        var third = try governed.grant()
        first.settle(1, 1)
        #expect(governed.denial() != nil, "settled once only")
        second.settle(nil, answered: true, now: Governed.now, epoch: Governed.epoch)
        third.settle(nil, answered: true, now: Governed.now, epoch: Governed.epoch)
        #expect(governed.held.isEmpty && governed.sessions.isIdle)
    }

    @Test(arguments: subjects) func zeroPassesNothing(subject: Denial.Subject) throws {
        for allowance in [
            Allowance { $0.requests = Rate(0, per: .second) }, Allowance { $0.concurrent = 0 },
        ] {
            let governed = try Self.limited(subject, allowance)
            #expect(
                governed.denial()?.isNever == true && governed.held.isEmpty && governed.sessions.isIdle)
        }
    }

    /// Each session and each address has its own; other clients, and requests without a session, none.
    @Test func othersAreNotLimited() throws {
        let one = Allowance { $0.requests = Rate(1, per: .day) }
        let governed = try Self.limited(.session, one)
        _ = try governed.grant()
        #expect(governed.denial() != nil && governed.denial { $0.session = 6 } == nil)
        for _ in 0..<3 {
            #expect(
                governed.denial { $0.session = 0 } == nil && governed.denial { $0.client = -1 } == nil)
        }
        let addresses = try Self.limited(.address, one)
        for ip in ["127.0.0.1", "127.0.0.2", "::1", "7f00:1::"] {
            let address = try #require(IPAddress(ip))
            #expect(addresses.denial { $0.address = address } == nil)
            #expect(addresses.denial { $0.address = address }?.subject == .address)
        }
        let client = try Self.limited(.client, one)
        _ = try client.grant()
        #expect(client.denial() != nil)
        for stranger in [-1, 1, .max, .min] {
            guard case .ungoverned = client.admit(0, { $0.client = stranger }) else {
                Issue.record("client \(stranger) is governed")
                continue
            }
        }
        guard case .denied = client.admit(99) else {
            Issue.record("a client's limits are for every model")
            return
        }
    }

    // MARK: - Quotas

    @Test(arguments: [Denial.Subject.model, .pair, .client]) func quotasAreKept(
        subject: Denial.Subject
    ) throws {
        let key: AccountKey.Subject =
            subject == .model
            ? .model("m") : subject == .client ? .client("c") : .pair(client: "c", model: "m")
        for period in Quota.Period.allCases {
            let quota = Quota(100, .tokens, per: period, onExhausted: .rotate)
            let governed = try Self.limited(subject, Allowance(quotas: [quota]))
            var grants = try (0..<3).map { _ in try governed.grant() }
            #expect(try governed.word(key, period, .tokens).used == 0, "what is reserved is not used")
            let denial = try #require(governed.denial())
            #expect(
                denial.kind == .quota(period, .tokens) && denial.subject == subject
                    && denial.onExhausted == .rotate)
            #expect(
                denial.resets == (period == .day ? 20_779 * 86_400 : 1_796_083_200) && denial.limit == 100)
            #expect(governed.denial { $0.answer = 0 } == nil, "what fits passes")
            grants[0].settle(4, 6)
            grants[1].settle(nil, answered: false, now: Governed.now, epoch: Governed.epoch)
            grants[2].settle(nil, answered: true, now: Governed.now, epoch: Governed.epoch)
            // 40 are used, 10 are reserved by the one that fitted.
            #expect(try governed.word(key, period, .tokens).used == 40)
            #expect(
                governed.denial { $0.answer = 41 } != nil && governed.denial { $0.answer = 40 } == nil)
        }
    }

    @Test func requestsCountWhenTheyAreAnswered() throws {
        let governed = try Governed(client: Allowance(quotas: [Quota(2, .requests, per: .day)]))
        for _ in 0..<5 {
            var grant = try governed.grant()
            grant.settle(nil, answered: false, now: Governed.now, epoch: Governed.epoch)
        }
        var grants = try (0..<2).map { _ in try governed.grant() }
        #expect(governed.denial()?.kind == .quota(.day, .requests))
        for index in grants.indices { grants[index].settle(0, 0) }
        #expect(
            try governed.word(.client("c"), .day, .requests).used == 2 && governed.denial() != nil
                && governed.held.isEmpty)
        #expect(governed.denial { $0.epoch += 86_400 } == nil, "the next day")
        #expect(!governed.countsTokens())
    }

    @Test func costsAreReservedAndSettledByPrice() throws {
        // 10 tokens at 2.5 and 20 at 10 are 0.000225.
        let price = Price(input: 2_500_000, output: 10_000_000)
        let governed = try Governed(
            client: Allowance(quotas: [Quota(500, .cost, per: .month)]), price: price)
        #expect(
            governed.countsTokens()
                && governed.table.allowances.cost(TokenUse(input: 10, output: 20), model: 0) == 225)
        var grants = try (0..<2).map { _ in try governed.grant() }
        #expect(governed.denial()?.kind == .quota(.month, .cost))
        grants[0].settle(0, 27)
        grants[1].settle(1, 0)
        #expect(try governed.word(.client("c"), .month, .cost).used == 273, "fractions count as whole")
        #expect(governed.denial() == nil && governed.denial() != nil)
        let free = try Governed(client: Allowance(quotas: [Quota(0, .cost, per: .month)]))
        #expect(free.denial() == nil, "a model without a price costs nothing")
    }

    @Test func whatIsUsedUpMayGoOnBehindOthers() throws {
        let quota = Quota(30, .tokens, per: .day, onExhausted: .lowPriority)
        let governed = try Governed(client: Allowance(quotas: [quota]))
        var first = try governed.grant()
        var second = try governed.grant()
        #expect(!first.isLowPriority && second.isLowPriority)
        first.settle(10, 20)
        second.settle(100, 1)
        #expect(try governed.word(.client("c"), .day, .tokens).used == 131 && governed.held.isEmpty)
        #expect(try !governed.grant { $0.epoch += 86_400 }.isLowPriority)
        #expect(try governed.grant { $0.epoch += 86_400 }.isLowPriority, "what is reserved is reserved on any day")
    }

    @Test func useBeyondTheQuotaIsCounted() throws {
        let governed = try Governed(client: Allowance(quotas: [Quota(40, .tokens, per: .day)]))
        var grant = try governed.grant()
        grant.settle(1 << 30, 9)
        #expect(
            try governed.word(.client("c"), .day, .tokens).used == 1 << 30 + 9
                && governed.denial { $0.answer = 0 } != nil)
        #expect(
            governed.denial { $0.isInference = false } == nil, "a request without tokens needs none")
    }

    @Test func aResetGivesTheQuotaBackButNotWhatIsReserved() throws {
        let governed = try Governed(client: Allowance(quotas: [Quota(60, .tokens, per: .day)]))
        var first = try governed.grant()
        first.settle(20, 10)
        var second = try governed.grant()
        #expect(governed.denial() != nil)
        governed.page.reset(
            try governed.slot(.client("c"), .quota(.day, .tokens)), .day, epoch: Governed.epoch)
        _ = try governed.grant()
        #expect(governed.denial() != nil)
        second.settle(1, 0)
        #expect(
            try governed.word(.client("c"), .day, .tokens).used == 1
                && governed.denial { $0.answer = 19 } == nil)
    }

    @Test func nothingThatAQuotaGovernsPassesWithoutAccounting() throws {
        let quota = Allowance(quotas: [Quota(1 << 40, .tokens, per: .day, onExhausted: .lowPriority)])
        for (subject, governed) in [
            (.client, try Governed(client: quota)), (.model, try Governed(model: quota)),
        ]
            as [(Denial.Subject, Governed)]
        {
            var before = try governed.grant()
            governed.page.isSuspended = true
            let denial = try #require(governed.denial())
            #expect(
                denial.kind == .suspended && denial.subject == subject && denial.retry == 5 * Self.second
                    && !denial.isNever)
            before.settle(3, 4)
            #expect(governed.held.isEmpty && governed.page.isSuspended)
            governed.page.isSuspended = false
            #expect(governed.denial() == nil)
        }
        let rate = try Governed(client: Allowance { $0.requests = Rate(100, per: .second) })
        rate.page.isSuspended = true
        #expect(rate.denial() == nil)
    }

    // MARK: - Sizes

    @Test(arguments: subjects) func requestsMayBeTooLarge(subject: Denial.Subject) throws {
        let governed = try Self.limited(
            subject,
            Allowance {
                $0.requestBytes = 100
                $0.tokensPerRequest = 30
            })
        #expect(
            governed.check { $0.size = 100 } == nil
                && governed.check { $0.size = 101 } == .bodyTooLarge(100))
        #expect(governed.check { $0.answer = 21 } == .tokensPerRequest(30))
        #expect(governed.check { $0.answer = .max } == .tokensPerRequest(30))
        #expect(
            governed.check {
                $0.answer = 21
                $0.isInference = false
            } == nil)
    }

    @Test func theContextMayBeTooShort() throws {
        let model = Model(name: "m", endpoints: [], contextLength: 100)
        let governed = try Governed(Catalog(models: [model]))
        #expect(!governed.isGoverned())
        #expect(
            governed.check {
                $0.statesAnswer = true
                $0.answer = 90
                $0.size = 87
            } == nil)
        #expect(
            governed.check {
                $0.statesAnswer = true
                $0.answer = 90
                $0.size = 88
            } == .contextTooLong(100))
        #expect(
            governed.check {
                $0.statesAnswer = true
                $0.answer = .max
                $0.size = .max
            } == .contextTooLong(100))
        #expect(
            governed.check {
                $0.answer = 500
                $0.size = 807
            } == nil, "a guess of the answer's size condemns nobody")
        #expect(governed.check { $0.size = 808 } == .contextTooLong(100))
    }
}
