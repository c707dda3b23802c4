import Admission
import Catalog
import Glibc
import Synchronization
import Testing

/// Several threads on the same accounts: nothing is counted twice, nothing is lost, and no limit is passed at any time.
@Suite struct AccountThreadsTests {
    /// Lets all threads go on at once, again and again.
    private final class Barrier: Sendable {
        private let count: Int
        private let arrived = Atomic(0)

        init(_ count: Int) { self.count = count }

        /// Threads that share a core give it to each other.
        func wait() {
            let number = arrived.add(1, ordering: .acquiringAndReleasing).newValue
            let goal = (number + count - 1) / count * count
            while arrived.load(ordering: .acquiring) < goal { sched_yield() }
        }
    }

    private static func governed(
        _ client: Allowance, session: SessionAllowance? = nil, address: Allowance? = nil
    ) throws -> Governed {
        try Governed(client: client, session: session, address: address)
    }

    /// Runs `body` on eight threads with tables of their own that share all counts.
    private static func together<Value: Sendable>(
        _ governed: Governed, _ body: @escaping @Sendable (Int, inout AdmissionTable) -> Value
    ) -> [Value] {
        let table = governed.table
        let barrier = Barrier(8)
        return Threads.together(
            (0..<8).map { number in
                {
                    var table = table
                    barrier.wait()
                    return body(number, &table)
                }
            })
    }

    private static func demand(_ tokens: UInt64, epoch: Int64 = Governed.epoch) -> Demand {
        Governed.demand {
            $0.prompt = 0
            $0.answer = tokens
            $0.epoch = epoch
        }
    }

    @Test func aQuotaIsUsedUpExactly() throws {
        let governed = try Self.governed(
            Allowance(quotas: [Quota(100_000, .tokens, per: .day), Quota(60_000, .requests, per: .day)]))
        let used = Self.together(governed) { _, table in
            var used: UInt64 = 0
            // What others have reserved for a moment may refuse one of these, so that it is asked again.
            for _ in 0..<40_000 {
                guard case .granted(var grant) = table.admit(0, Self.demand(2)) else { continue }
                grant.settle(0, 2)
                used += 2
            }
            return used
        }
        #expect(try governed.word(.client("c"), .day, .tokens).used == used.reduce(0, +))
        #expect(used.reduce(0, +) == 100_000 && governed.held.isEmpty)
        #expect(try governed.word(.client("c"), .day, .requests).used == 50_000)
    }

    /// A small quota is all but used up most of the time, which is when it matters who looks at what first.
    @Test func aSmallQuotaIsNeverPassed() throws {
        let governed = try Self.governed(Allowance(quotas: [Quota(12, .tokens, per: .day)]))
        let (page, slot) = (governed.page, try governed.slot(.client("c"), .quota(.day, .tokens)))
        let barrier = Barrier(8)
        let most = Self.together(governed) { _, table in
            var most: UInt64 = 0
            for round in 0..<3000 {
                let epoch = Governed.epoch + Int64(round) * 86_400
                barrier.wait()
                for _ in 0..<20 {
                    guard case .granted(var grant) = table.admit(0, Self.demand(1, epoch: epoch)) else { continue }
                    grant.settle(TokenUse(output: 1), answered: true, now: Governed.now, epoch: epoch)
                }
                barrier.wait()
                most = max(most, page.read(slot)?.word.used ?? .max)
            }
            return most
        }
        #expect(most.allSatisfy { $0 == 12 } && governed.held.isEmpty)
    }

    /// With use below, at and above what was reserved, and answers that never come.
    @Test func whatIsUsedAddsUp() throws {
        var allowance = Allowance(quotas: [
            Quota(1 << 47, .tokens, per: .month),
            Quota(1 << 20, .tokens, per: .day, onExhausted: .lowPriority),
            Quota(1 << 40, .requests, per: .day),
        ])
        allowance.tokens = Rate(1_000_000_000, per: .second)
        allowance.requests = Rate(1_000_000_000, per: .second)
        allowance.burst = 1 << 30
        let governed = try Self.governed(allowance, address: allowance)
        let sums = Self.together(governed) { number, table in
            var random = SplitMix(state: UInt64(number))
            var (sum, answered): (UInt64, UInt64) = (0, 0)
            for _ in 0..<15_000 {
                guard
                    case .granted(var grant) = table.admit(
                        0, Self.demand(UInt64.random(in: 0...99, using: &random)))
                else { continue }
                let use = UInt64.random(in: 0...199, using: &random)
                let isAnswered = Bool.random(using: &random)
                grant.settle(use, 0, answered: isAnswered)
                (sum, answered) = (sum + use, answered + (isAnswered ? 1 : 0))
            }
            return (sum, answered)
        }
        let (sum, answered) =
            sums.reduce(into: (0, 0)) { $0 = ($0.0 + $1.0, $0.1 + $1.1) } as (UInt64, UInt64)
        #expect(
            try governed.word(.client("c"), .month, .tokens).used == sum
                && governed.word(.client("c"), .day, .tokens).used == sum)
        #expect(try governed.word(.client("c"), .day, .requests).used == answered)
        let rate = try #require(governed.page.read(try governed.slot(.client("c"), .tokens)))
        #expect(rate.admitted == sum && rate.word.rawValue == Governed.now + sum)
        #expect(governed.levels().tokens?.reset == sum && governed.levels().requests?.reset == 120_000)
        #expect(governed.held.isEmpty && governed.sessions.isIdle)
    }

    @Test(arguments: AllowanceTests.subjects) func neverAreMoreUnderWayThanAllowed(
        subject: Denial.Subject
    ) throws {
        let allowance = Allowance { $0.concurrent = 3 }
        let governed: Governed =
            switch subject {
            case .model: try Governed(model: allowance)
            case .pair: try Governed(pair: allowance)
            case .client: try Governed(client: allowance)
            case .session: try Governed(session: SessionAllowance(key: .user, allowance: allowance))
            case .address: try Governed(address: allowance)
            }
        let counted = Counters()
        let admitted = Self.together(governed) { number, table in
            var (admitted, held): (Int, [Grant]) = (0, [])
            for round in 0..<20_000 {
                if case .granted(let grant) = table.admit(0, Self.demand(1)) {
                    counted.enter()
                    held.append(grant)
                    admitted += 1
                }
                if held.count > (round + number) % 3 {
                    counted.leave()
                    held[0].settle(0, 1)
                    held.removeFirst()
                }
            }
            for index in held.indices {
                counted.leave()
                held[index].settle(0, 1)
            }
            return admitted
        }
        #expect(counted.largest == 3 && admitted.reduce(0, +) > 1000)
        #expect(governed.held.isEmpty && governed.sessions.isIdle)
        let three = try (0..<3).map { _ in try governed.grant() }
        #expect(governed.denial()?.kind == .concurrency && three.count == 3)
    }

    /// Requests under way and the most that ever were.
    private final class Counters: Sendable {
        private let underWay = Atomic(0)
        private let most = Atomic(0)

        func enter() {
            let now = underWay.add(1, ordering: .sequentiallyConsistent).newValue
            most.max(now, ordering: .sequentiallyConsistent)
        }

        func leave() { underWay.subtract(1, ordering: .sequentiallyConsistent) }

        var largest: Int { most.load(ordering: .sequentiallyConsistent) }
    }

    /// All threads come into each new day at once; one of them turns the page, and nothing of any is lost.
    @Test func aNewPeriodBeginsOnce() throws {
        let governed = try Self.governed(
            Allowance(quotas: [
                Quota(1 << 40, .tokens, per: .day), Quota(1 << 40, .requests, per: .month),
            ]))
        let (day, month) = try (
            governed.slot(.client("c"), .quota(.day, .tokens)),
            governed.slot(.client("c"), .quota(.month, .requests))
        )
        let page = governed.page
        let barrier = Barrier(8)
        let wrong = Self.together(governed) { number, table in
            var wrong = 0
            for round in 0..<400 {
                let epoch = Governed.epoch + Int64(round) * 86_400
                barrier.wait()
                for _ in 0..<5 {
                    guard case .granted(var grant) = table.admit(0, Self.demand(3, epoch: epoch)) else {
                        wrong += 1
                        continue
                    }
                    grant.settle(
                        TokenUse(input: UInt64(number), output: 1), answered: true, now: Governed.now,
                        epoch: epoch)
                }
                barrier.wait()
                let expected = QuotaWord(period: PeriodClock.number(.day, at: epoch), used: 5 * (8 + 28))
                if page.read(day)?.word != expected { wrong += 1 }
                if page.read(month)?.word.period != PeriodClock.number(.month, at: epoch) { wrong += 1 }
            }
            return wrong
        }
        #expect(wrong.allSatisfy { $0 == 0 } && governed.held.isEmpty)
    }

    /// One session that all threads begin at once has one entry.
    @Test func aSessionBeginsOnce() throws {
        let allowance = SessionAllowance(
            key: .user,
            allowance: Allowance {
                $0.requests = Rate(1, per: .day)
                $0.burst = 50
            }, lifetimeRequests: 40)
        let governed = try Self.governed(Allowance(), session: allowance)
        let barrier = Barrier(8)
        let admitted = Self.together(governed) { _, table in
            (0..<300).map { session in
                var admitted = 0
                barrier.wait()
                for _ in 0..<10 {
                    let demand = Governed.demand {
                        $0.session = UInt64(session + 1)
                        $0.now += UInt64(session) * 2_000_000_000_000
                    }
                    guard case .granted(var grant) = table.admit(0, demand) else { continue }
                    grant.settle(nil, answered: true, now: demand.now, epoch: demand.epoch)
                    admitted += 1
                }
                return admitted
            }
        }
        for session in 0..<300 { #expect(admitted.reduce(0) { $0 + $1[session] } == 40) }
        #expect(governed.sessions.isIdle)
    }

    /// Many more sessions than there is room for, some of them under way all the time.
    @Test func sessionsUnderWayAreNeverForgotten() throws {
        let allowance = SessionAllowance(key: .user, allowance: Allowance { $0.concurrent = 1 })
        let governed = try Self.governed(Allowance(), session: allowance)
        let wrong = Self.together(governed) { number, table in
            var random = SplitMix(state: UInt64(number))
            var wrong = 0
            for _ in 0..<4000 {
                // A thread's own sessions: nobody else has them.
                let session = UInt64(number + 1) << 32 | UInt64.random(in: 0..<500, using: &random)
                guard case .granted(var grant) = table.admit(0, Governed.demand { $0.session = session })
                else { continue }
                for other in 0..<3 as Range<UInt64> {
                    if case .granted(var another) = table.admit(0, Governed.demand { $0.session = session }) {
                        wrong += 1
                        another.settle(0, 0)
                    }
                    if case .granted(var another) = table.admit(
                        0, Governed.demand { $0.session = session ^ (other + 1) << 20 })
                    {
                        another.settle(0, 0)
                    }
                }
                grant.settle(0, 0)
            }
            return wrong
        }
        #expect(wrong.allSatisfy { $0 == 0 } && governed.sessions.isIdle)
    }
}
