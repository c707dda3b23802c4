import Admission
import Catalog
import Testing

/// Sessions and addresses are kept in tables of a fixed size.
@Suite struct SessionTests {
    private static let minute: UInt64 = 60_000_000_000

    private static func governed(
        _ lifetime: UInt64? = nil, entries: Int = 64, _ change: (inout Allowance) -> Void
    ) throws -> Governed {
        let client = Client(
            name: "c",
            perSession: SessionAllowance(
                key: .header("x-session-id"), allowance: Allowance(change), lifetimeRequests: lifetime))
        return try Governed(
            Catalog(models: [Model(name: "m", endpoints: [])], clients: [client]), entries: entries)
    }

    @Test func aSessionIsForgottenWhenItHasBeenSilent() throws {
        let governed = try Self.governed(2) { _ in }
        func ask(_ time: UInt64) -> Denial.Kind? {
            guard case .granted(var grant) = governed.admit(0, { $0.now += time }) else {
                return governed.denial { $0.now += time }?.kind
            }
            grant.settle(nil, answered: true, now: Governed.now + time, epoch: 0)
            return nil
        }
        #expect(
            ask(0) == nil && ask(29 * Self.minute) == nil && ask(58 * Self.minute) == .sessionLifetime)
        // To be refused is no silence either.
        #expect(ask(87 * Self.minute) == .sessionLifetime)
        #expect(
            ask(117 * Self.minute + 1) == nil && ask(117 * Self.minute + 2) == nil
                && ask(117 * Self.minute + 3) != nil)
        #expect(governed.table.allowances.sessionKey(client: 0) == .header("x-session-id"))
        #expect(
            governed.table.allowances.sessionKey(client: 1) == nil
                && governed.table.allowances.sessionKey(client: -1) == nil)
    }

    @Test func aSessionWithARequestUnderWayIsNotForgotten() throws {
        let governed = try Self.governed(1) { _ in }
        var grant = try governed.grant()
        #expect(governed.denial { $0.now += 500 * Self.minute }?.kind == .sessionLifetime)
        grant.settle(nil, answered: true, now: Governed.now + 600 * Self.minute, epoch: 0)
        #expect(
            governed.denial { $0.now += 620 * Self.minute }?.kind == .sessionLifetime, "it ended just now"
        )
        #expect(governed.denial { $0.now += 660 * Self.minute } == nil)
    }

    @Test func requestsThatNobodyAnswersDoNotCountInALifetime() throws {
        let governed = try Self.governed(1) { _ in }
        for _ in 0..<3 {
            var grant = try governed.grant()
            grant.settle(nil, answered: false, now: Governed.now, epoch: 0)
        }
        var grant = try governed.grant()
        grant.settle(nil, answered: true, now: Governed.now, epoch: 0)
        let denial = try #require(governed.denial())
        #expect(denial.kind == .sessionLifetime && denial.subject == .session && denial.limit == 1)
        #expect(denial.retry == Denial.longestRetry)
    }

    /// The one that has been silent longest makes room; those with requests under way never do.
    @Test func thereIsRoomForSoMany() throws {
        let governed = try Self.governed(1, entries: 8) { _ in }
        func pass(_ session: UInt64, _ time: UInt64) -> Bool {
            guard
                case .granted(var grant) = governed.admit(
                    0,
                    {
                        $0.session = session
                        $0.now += time
                    })
            else { return false }
            grant.settle(nil, answered: true, now: Governed.now + time, epoch: 0)
            return true
        }
        for session in 1...8 as ClosedRange<UInt64> { #expect(pass(session, session)) }
        for session in 1...8 as ClosedRange<UInt64> { #expect(!pass(session, 20 - session)) }
        // The eighth was seen first of all then.
        #expect(pass(9, 30) && !pass(1, 31) && pass(8, 32))
        var grants = try (20..<28 as Range<UInt64>).map { session in
            try governed.grant { $0.session = session }
        }
        let denial = try #require(governed.denial { $0.session = 30 })
        #expect(
            denial.subject == .session && denial.kind == .concurrency && !denial.isNever
                && denial.retry > 0)
        grants[3].settle(1, 1)
        #expect(
            governed.denial { $0.session = 30 } == nil
                && governed.denial { $0.session = 20 }?.kind == .sessionLifetime)
        for index in grants.indices { grants[index].settle(1, 1) }
    }

    @Test func oneEntryHasSoManyUnderWay() throws {
        let governed = try Self.governed {
            $0.requests = Rate(.max - 1, per: .second)
            $0.burst = .max
        }
        var grants: [Grant] = []
        for _ in 0..<65_535 { grants.append(try governed.grant()) }
        #expect(governed.denial()?.kind == .concurrency && governed.denial { $0.session = 6 } == nil)
        for index in grants.indices { grants[index].settle(1, 1) }
        #expect(governed.denial() == nil)
    }

    /// Sessions stay a client's own, also when it has another number.
    @Test func sessionsBelongToTheirClients() throws {
        let terms = SessionAllowance(
            key: .user, allowance: Allowance { $0.requests = Rate(1, per: .day) })
        let clients = ["a", "b"].map { Client(name: $0, perSession: terms) }
        let models = [Model(name: "m", endpoints: [])]
        let book = SessionBook(entries: 64)
        func table(_ clients: [Client]) throws -> AdmissionTable {
            let allowances = try AllowanceTable(
                Catalog(models: models, clients: clients), page: nil, slots: [], held: HeldCounts(count: 1),
                sessions: book)
            return AdmissionTable(nil, slots: [], models: [], allowances: allowances)
        }
        func passes(_ table: inout AdmissionTable, _ client: Int) -> Bool {
            if case .granted = table.admit(0, Governed.demand { $0.client = client }) { return true }
            return false
        }
        var first = try table([clients[0]])
        #expect(passes(&first, 0) && !passes(&first, 0))
        var second = try table([clients[1], clients[0]])
        #expect(passes(&second, 0) && !passes(&second, 1))
    }
}
