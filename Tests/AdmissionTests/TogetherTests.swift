import Admission
import Catalog
import Testing

/// All limits that apply to a request together: everything is charged or nothing.
@Suite struct TogetherTests {
    /// Room for everything, but not for more than `limit` requests under way, where that is given.
    private static func wide(_ limit: UInt64? = nil) -> Allowance {
        var allowance = Allowance(quotas: [
            Quota(1000, .tokens, per: .day), Quota(10, .requests, per: .month),
            Quota(1000, .cost, per: .day),
        ])
        allowance.requests = Rate(1_000_000_000, per: .second)
        allowance.burst = 1000
        allowance.tokens = Rate(1_000_000_000, per: .second)
        allowance.inputTokens = Rate(1_000_000_000, per: .second)
        allowance.outputTokens = Rate(1_000_000_000, per: .second)
        allowance.concurrent = limit ?? 10
        return allowance
    }

    private static func governed(_ tight: Denial.Subject?) throws -> (Governed, QoSMemory) {
        func allowance(_ subject: Denial.Subject) -> Allowance { wide(subject == tight ? 1 : nil) }
        let qos = QoSMemory()
        var entry = QoS()
        entry.requests = Rate(1_000_000_000, per: .second)
        entry.tokens = Rate(1_000_000_000, per: .second)
        qos.put(entry, "m", slot: 3)
        let client = Client(
            name: "c", allowance: allowance(.client),
            modelAllowances: ["m": allowance(.pair), "unknown": wide()],
            perSession: SessionAllowance(key: .user, allowance: allowance(.session), lifetimeRequests: 5),
            perAddress: allowance(.address))
        let model = Model(
            name: "m", endpoints: [], allowance: allowance(.model),
            price: Price(input: 1_000_000, output: 1_000_000))
        return (try Governed(Catalog(models: [model], clients: [client]), qos: qos, qosSlots: [3]), qos)
    }

    /// Everything that is counted anywhere.
    private static func counts(_ governed: Governed, _ qos: QoSMemory) -> [UInt64] {
        var counts: [UInt64] = []
        for key in governed.catalog.accounts {
            guard let slot = try? governed.slot(key.subject, key.measure),
                let reading = governed.page.read(slot)
            else { continue }
            if case .quota = key.measure {
                counts.append(reading.word.used)
            } else {
                counts.append(reading.word.rawValue)
            }
            counts.append(reading.admitted)
        }
        for kind in LimitKind.allCases {
            counts += [qos.counts(3, kind).admitted, qos.debt(3, kind, now: Governed.now)]
        }
        let levels = governed.levels()
        return counts + [levels.requests?.remaining ?? 0, levels.tokens?.remaining ?? 0]
    }

    /// A request that the last of its limits refuses leaves no trace in any other.
    @Test(arguments: AllowanceTests.subjects) func whatIsRefusedIsChargedNowhere(
        tight: Denial.Subject
    ) throws {
        let (governed, qos) = try Self.governed(tight)
        var first = try governed.grant()
        let before = Self.counts(governed, qos)
        for _ in 0..<20 {
            #expect(governed.denial().map { $0.kind == .concurrency && $0.subject == tight } == true)
        }
        #expect(Self.counts(governed, qos) == before)
        first.settle(10, 20)
        #expect(governed.held.isEmpty && governed.sessions.isIdle)
        // Were anything still held or counted, the lifetime of the session or a quota would be used up by now.
        for _ in 0..<4 {
            var grant = try governed.grant()
            grant.settle(10, 20)
        }
        #expect(governed.denial()?.kind == .sessionLifetime)
        #expect(governed.denial { $0.session = 8 } == nil)
    }

    /// What each of the counts has after use that differs from what was reserved.
    @Test func everythingIsSettled() throws {
        let (governed, qos) = try Self.governed(nil)
        var grant = try governed.grant()
        #expect(grant.reserved == 30 && grant.prompt == 10 && grant.countsTokens)
        grant.settle(7, 100)
        grant.settle(7, 100)
        for subject in [.client("c"), .model("m"), .pair(client: "c", model: "m")]
            as [AccountKey.Subject]
        {
            #expect(
                try governed.word(subject, .day, .tokens).used == 107
                    && governed.word(subject, .month, .requests).used == 1)
            #expect(try governed.word(subject, .day, .cost).used == 107)
            let rates: [(AccountKey.Measure, UInt64)] = [
                (.requests, 1), (.tokens, 107), (.inputTokens, 7), (.outputTokens, 100),
            ]
            for (measure, used) in rates {
                let reading = try #require(governed.page.read(try governed.slot(subject, measure)))
                #expect(reading.admitted == used && reading.word.rawValue == Governed.now + used)
            }
        }
        #expect(qos.counts(3, .requests).admitted == 1 && qos.counts(3, .tokens).admitted == 107)
        // The session has the same limits, and nothing else to show for it.
        #expect(governed.levels().tokens?.remaining == 1_000_000_000 - 107)
        #expect(governed.held.isEmpty && governed.sessions.isIdle)
    }

    @Test func whatIsTakenBackIsAsIfItHadNeverBeen() throws {
        let (governed, qos) = try Self.governed(nil)
        var first = try governed.grant()
        first.settle(10, 20)
        let before = Self.counts(governed, qos)
        var grant = try governed.grant()
        #expect(Self.counts(governed, qos) != before)
        grant.takeBack(now: Governed.now)
        grant.takeBack(now: Governed.now)
        grant.settle(5, 5)
        #expect(Self.counts(governed, qos) == before && governed.held.isEmpty && governed.sessions.isIdle)
    }

    @Test func theTightestLevelIsTold() throws {
        let allowance = Allowance {
            $0.requests = Rate(10, per: .second)
            $0.burst = 5
            $0.tokens = Rate(6000, per: .minute)
        }
        let tight = Allowance {
            $0.requests = Rate(1, per: .minute)
            $0.burst = 3
        }
        let governed = try Governed(
            client: allowance, model: tight, address: Allowance { $0.tokens = Rate(100, per: .second) })
        #expect(governed.levels().requests == LimitLevel(capacity: 3, remaining: 3, reset: 0))
        #expect(governed.levels().tokens == LimitLevel(capacity: 100, remaining: 100, reset: 0))
        var grant = try governed.grant()
        let levels = grant.levels(now: Governed.now)
        #expect(levels.requests == LimitLevel(capacity: 3, remaining: 2, reset: 60_000_000_000))
        #expect(levels.tokens == LimitLevel(capacity: 100, remaining: 70, reset: 300_000_000))
        #expect(governed.levels() == levels)
        grant.settle(50, 50)
        #expect(
            governed.levels().tokens == LimitLevel(capacity: 100, remaining: 0, reset: 1_000_000_000))
        #expect(governed.levels { $0.client = -1 } == LimitLevels(tighter: levels.requests))
    }

    @Test func anObservingEntryLetsPassAndTheRestStillHolds() throws {
        let qos = QoSMemory()
        var entry = QoS()
        (entry.requests, entry.mode) = (Rate(0, per: .second), .observe)
        qos.put(entry, "m", slot: 3)
        let client = Client(name: "c", allowance: Allowance { $0.concurrent = 1 })
        let governed = try Governed(
            Catalog(models: [Model(name: "m", endpoints: [])], clients: [client]), qos: qos, qosSlots: [3]
        )
        _ = try governed.grant()
        #expect(governed.denial()?.subject == .client && qos.counts(3, .requests).observed == 2)
    }

    // MARK: - Configurations

    @Test func withoutAccountsOnlyWhatThisProcessCountsHolds() throws {
        let client = Client(
            name: "c",
            allowance: Allowance(quotas: [Quota(0, .requests, per: .day)]) {
                $0.requests = Rate(0, per: .day)
                $0.concurrent = 1
            })
        let catalog = Catalog(models: [Model(name: "m", endpoints: [])], clients: [client])
        let page = AccountMemory(count: 4).page
        for (page, slots) in [(nil, []), (nil, [1, 2]), (page, [])] as [(AccountPage?, [UInt32])] {
            let allowances = try AllowanceTable(
                catalog, page: page, slots: slots, held: HeldCounts(count: 8),
                sessions: SessionBook(entries: 8))
            var table = AdmissionTable(nil, slots: [], models: [], allowances: allowances)
            guard case .granted = table.admit(0, Governed.demand()),
                case .denied(let denial) = table.admit(0, Governed.demand())
            else {
                Issue.record("requests under way are not counted")
                continue
            }
            #expect(denial.kind == .concurrency)
        }
    }

    private func fault(_ catalog: Catalog, _ page: AccountPage?, _ slots: [UInt32], counts: Int = 64)
        -> AllowanceFault?
    {
        do throws(AllowanceFault) {
            _ = try AllowanceTable(
                catalog, page: page, slots: slots, held: HeldCounts(count: counts),
                sessions: SessionBook(entries: 8))
            return nil
        } catch { return error }
    }

    @Test func whatCannotBeKeptIsRefused() throws {
        let page = try #require(AccountMemory(count: 40).page)
        func catalog(_ allowance: Allowance) -> Catalog {
            Catalog(clients: [Client(name: "c", allowance: allowance)])
        }
        let two = catalog(
            Allowance(quotas: [Quota(1, .requests, per: .day), Quota(1, .tokens, per: .day)]))
        let slots = try #require(page.assign(two.accounts.map(\.text)))
        #expect(fault(two, page, slots) == nil)
        #expect(fault(two, page, [slots[0]]) == .slotCount(given: 1, needed: 2))
        #expect(
            fault(two, page, slots.reversed()) == .noAccount("day.requests client=c", slot: slots[1]))
        for slot in [0, 9, 41, .max] as [UInt32] {
            #expect(fault(two, page, [slots[0], slot]) == .noAccount("day.tokens client=c", slot: slot))
        }
        #expect(fault(two, page, slots, counts: 1) == .tooManyCounts(2))
        let twice = catalog(
            Allowance(quotas: [Quota(1, .requests, per: .day), Quota(2, .requests, per: .day)]))
        #expect(fault(twice, page, [slots[0], slots[0]]) == .repeated("day.requests client=c"))
        #expect(fault(twice, nil, []) == .repeated("day.requests client=c"))
        page.free(slots[1])
        #expect(fault(two, page, slots) == .noAccount("day.tokens client=c", slot: slots[1]))
        #expect(
            "\(AllowanceFault.noAccount("x", slot: 4))" == "slot 4 of the accounts is not that of x")
    }

    /// The most limits that a subject can have fit.
    @Test func everyKindOfLimitFits() throws {
        var allowance = Self.wide()
        allowance.quotas = Quota.Period.allCases.flatMap { period in
            Quota.Unit.allCases.map { Quota(1 << 30, $0, per: period) }
        }
        let governed = try Governed(
            client: allowance, model: allowance, pair: allowance, price: Price(input: 1, output: 1))
        var grant = try governed.grant()
        grant.settle(1, 2)
        for key in governed.catalog.accounts {
            let reading = try #require(governed.page.read(try governed.slot(key.subject, key.measure)))
            #expect(reading.admitted > 0, "\(key.text)")
        }
        #expect(governed.held.isEmpty)
    }

    /// What a request holds stays its own when its configuration goes, and counts in the next one.
    @Test func countsOutliveConfigurations() throws {
        let catalog = Catalog(
            models: [Model(name: "m", endpoints: [])],
            clients: [Client(name: "c", allowance: Allowance { $0.concurrent = 2 })])
        let other = Catalog(
            models: [Model(name: "m", endpoints: [])],
            clients: [
                Client(name: "b", allowance: Allowance { $0.concurrent = 1 }),
                Client(name: "c", allowance: Allowance { $0.concurrent = 2 }),
            ])
        let held = HeldCounts(count: 2)
        var first: Governed? = try Governed(catalog, held: held)
        var grant = try first?.grant()
        first = nil
        let second = try Governed(other, held: held)
        var another = try second.grant { $0.client = 1 }
        #expect(second.denial { $0.client = 1 } != nil && second.denial { $0.client = 0 } == nil)
        grant?.settle(1, 1)
        grant = nil
        #expect(second.denial { $0.client = 1 } == nil)
        another.settle(1, 1)
    }

    @Test func countsAreReusedWhenNobodyHasThem() throws {
        let held = HeldCounts(count: 1)
        for name in ["a", "b", "c"] {
            let governed = try Governed(
                Catalog(
                    models: [Model(name: "m", endpoints: [])],
                    clients: [Client(name: name, allowance: Allowance { $0.concurrent = 1 })]),
                held: held)
            // This one is never settled: what it holds goes with the configuration.
            _ = try governed.grant()
            #expect(governed.denial() != nil && !held.isEmpty)
        }
        #expect(held.isEmpty)
    }

    /// A slot that is another's by now is not charged.
    @Test func anotherOwnersSlotIsLeftAlone() throws {
        let governed = try Governed(
            client: Allowance(quotas: [Quota(50, .tokens, per: .day)]) {
                $0.tokens = Rate(100, per: .day)
            })
        var grant = try governed.grant()
        for slot in governed.slots { governed.page.free(slot) }
        #expect(governed.page.assign(["x", "y"]) == governed.slots)
        // One that was let through since has reserved nothing that it could let go of.
        var later = try governed.grant()
        later.settle(20, 20)
        #expect(!governed.held.isEmpty)
        grant.settle(20, 20)
        for slot in governed.slots {
            #expect(
                governed.page.read(slot)
                    == AccountReading(word: QuotaWord(rawValue: 0), admitted: 0, refused: 0))
        }
        #expect(governed.held.isEmpty)
        for _ in 0..<9 { #expect(governed.denial { $0.answer = 40 } == nil) }
    }
}

extension LimitLevels {
    init(tighter requests: LimitLevel?) {
        self.init()
        self.requests = requests
    }
}
