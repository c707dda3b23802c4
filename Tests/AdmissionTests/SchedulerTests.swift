import Admission
import Catalog
import Testing

/// Who is next, and who has to go.
@Suite struct SchedulerTests {
    private static let batch = GroupTerms.batchLevel

    @Test func theFirstIsServedFirst() {
        var bench = QueueBench()
        for _ in 0..<5 { bench.enter() }
        #expect(bench.scheduler.waiting(model: 0) == 5 && bench.scheduler.waitingEndpoints == [0])
        #expect(bench.grants() == [1, 2, 3, 4, 5])
        #expect(bench.scheduler.waiting(model: 0) == 0 && bench.scheduler.waitingEndpoints.isEmpty && bench.scheduler.count == 0)
    }

    @Test func aRetryComesBackWhereItWas() {
        var bench = QueueBench()
        let old = bench.now
        bench.now += 1_000
        for _ in 0..<4 { bench.enter() }
        bench.enter(arrival: old)
        bench.enter(arrival: bench.now)
        #expect(bench.grants() == [5, 1, 2, 3, 4, 6])
    }

    @Test func aSlotTakesATicketOutOfAllQueues() throws {
        var bench = QueueBench(models: 2)
        let ticket = try bench.entered(at: [(1, 0), (2, 0), (3, 1)])
        bench.ticket(at: [(3, 1)])
        #expect(bench.scheduler.waiting(model: 0) == 1 && bench.scheduler.waiting(model: 1) == 2)
        #expect(bench.grants(endpoint: 4).isEmpty && bench.grants(endpoint: 3, model: 0).isEmpty)
        #expect(bench.grants(endpoint: 2) == [1])
        #expect(bench.grants(endpoint: 1).isEmpty && bench.scheduler.waiting(model: 0) == 0)
        #expect(bench.grants(endpoint: 3, model: 1) == [2])
        #expect(bench.leave(ticket) == false && !bench.scheduler.isWaiting(ticket))
    }

    /// An endpoint's line does not wait for those who do not accept it.
    @Test func whoAcceptsOtherEndpointsIsPassedBy() {
        var bench = QueueBench()
        bench.enter(at: [(1, 0)])
        bench.enter(at: [(2, 0)])
        bench.enter(at: [(2, 0), (1, 0), (2, 0)])
        #expect(bench.grants(endpoint: 2) == [2, 3])
        #expect(bench.grants(endpoint: 1) == [1])
    }

    @Test func anOldTicketFindsNobody() throws {
        var bench = QueueBench()
        let first = try bench.entered()
        #expect(bench.leave(first) == true && bench.leave(first) == false)
        let second = try bench.entered()
        #expect(second.index == first.index && second != first)
        #expect(bench.leave(first) == false && bench.scheduler.isWaiting(second))
        #expect(bench.leave(TicketID(index: 77, generation: 0)) == false)
        #expect(bench.figures()?.left == 1)
    }

    @Test func higherLevelsComeFirst() {
        var bench = QueueBench([
            GroupTerms(name: "default"), GroupTerms(name: "high", level: 5), GroupTerms(name: "night", level: Self.batch),
        ])
        for group in [2, 0, 1, 2, 0, 1] { bench.enter(group) }
        // A request of an urgent group that calls itself batch is no more than that.
        bench.enter(1, level: Self.batch)
        let order = bench.groupsOfGrants(7)
        #expect(order.prefix(4) == [1, 1, 0, 0] && order.suffix(3).sorted() == [1, 2, 2])
    }

    @Test func shareGoesByTokensAndWeight() {
        var bench = QueueBench([
            GroupTerms(name: "default"), GroupTerms(name: "long", weight: 2), GroupTerms(name: "short", weight: 4),
        ])
        let costs: [UInt64] = [100, 1000, 10]
        for group in 0..<3 { for _ in 0..<3 { bench.enter(group, cost: costs[group]) } }
        var tokens = [0.0, 0, 0]
        for _ in 0..<20_000 {
            guard let grant = bench.scheduler.next(model: 0, endpoint: 0, limit: 0, now: bench.now) else { break }
            tokens[grant.group] += Double(grant.cost)
            bench.enter(grant.group, cost: costs[grant.group])
        }
        #expect(abs(tokens[1] / tokens[0] - 2) < 0.05 && abs(tokens[2] / tokens[0] - 4) < 0.05, "\(tokens)")
    }

    /// Weights of 100 and 400 are no reason to serve 400 of one group in a row.
    @Test func largeWeightsMakeNoBursts() {
        var bench = QueueBench([GroupTerms(name: "default", weight: 100), GroupTerms(name: "b", weight: 400)])
        for group in [0, 1] { for _ in 0..<100 { bench.enter(group) } }
        let order = bench.groupsOfGrants(100)
        for start in stride(from: 0, to: 95, by: 5) { #expect(order[start..<start + 5].count { $0 == 0 } == 1) }
    }

    /// A group that was idle neither saves its share nor is it punished.
    @Test func whoComesBackGetsItsShareAtOnce() {
        var bench = QueueBench([GroupTerms(name: "default"), GroupTerms(name: "b")])
        for _ in 0..<150 { bench.enter(0) }
        #expect(bench.groupsOfGrants(100) == Array(repeating: 0, count: 100))
        for _ in 0..<50 { bench.enter(1) }
        #expect(bench.groupsOfGrants(20).count { $0 == 1 } == 10)
    }

    @Test func whatARequestCameToIsMadeGood() {
        var bench = QueueBench([GroupTerms(name: "default"), GroupTerms(name: "b")])
        for group in [0, 1] { for _ in 0..<20 { bench.enter(group) } }
        #expect(bench.groupsOfGrants(2).sorted() == [0, 1])
        bench.scheduler.settle(model: 0, group: 0, estimated: 100, real: 500, now: bench.now)
        bench.scheduler.settle(model: 0, group: 1, estimated: 100, real: 100, now: bench.now)
        #expect(bench.groupsOfGrants(4) == [1, 1, 1, 1])
    }

    /// Its estimates are forty times too high, and after the first it does not wait for each correction.
    @Test func estimatesAreLearnt() {
        var bench = QueueBench([GroupTerms(name: "default"), GroupTerms(name: "b")])
        for group in [0, 1] { for _ in 0..<200 { bench.enter(group, cost: group == 0 ? 4000 : 100) } }
        _ = bench.groupsOfGrants(2)
        bench.scheduler.settle(model: 0, group: 0, estimated: 4000, real: 100, now: bench.now)
        bench.scheduler.settle(model: 0, group: 1, estimated: 100, real: 100, now: bench.now)
        #expect(bench.groupsOfGrants(40).count { $0 == 0 } == 20)
    }

    @Test func aGrantThatCannotBeUsedIsNotCharged() throws {
        var bench = QueueBench([GroupTerms(name: "default"), GroupTerms(name: "b")])
        for group in [0, 1] { for _ in 0..<4 { bench.enter(group, cost: 1000) } }
        for _ in 0..<3 {
            let grant = try bench.grant()
            #expect(grant.group == 0 && bench.figures()?.inFlight == 1)
            #expect(bench.giveBack(grant.ticket) == true)
            #expect(bench.giveBack(grant.ticket) == false, "only once")
            #expect(bench.figures()?.inFlight == 0)
            // It is its turn again, as nothing was used.
            bench.scheduler.settle(model: 0, group: 1, estimated: 0, real: 0, now: bench.now)
            let other = try bench.grant()
            #expect(other.group == 1)
            #expect(bench.giveBack(other.ticket) == true)
        }
    }

    // MARK: - Age

    @Test func nobodyStarvesBeyondTheBound() {
        var bench = QueueBench(
            [GroupTerms(name: "default"), GroupTerms(name: "high", level: 1)], queue: QueuePolicy(length: 1000, ageing: 1000))
        for _ in 0..<500 { bench.enter(1) }
        for _ in 0..<10 { bench.enter(0) }
        var at: [UInt64] = []
        for step in 0..<400 {
            bench.now += 10 * QueueBench.millisecond
            if bench.groupsOfGrants(1) == [0] { at.append(UInt64(step)) }
        }
        #expect(at == [99, 199, 299, 399])
    }

    /// However many have waited for too long, of four slots one goes by age.
    @Test func ageDoesNotTurnTheOrderRound() {
        var bench = QueueBench(
            [GroupTerms(name: "default")] + (0..<10).map { GroupTerms(name: "low\($0)", level: -$0 - 1) },
            queue: QueuePolicy(length: 10_000, ageing: 0))
        for _ in 0..<400 { bench.enter(0) }
        for group in 1...10 { for _ in 0..<40 { bench.enter(group) } }
        var order: [Int] = []
        for _ in 0..<400 {
            bench.now += QueueBench.millisecond
            order += bench.groupsOfGrants(1)
        }
        #expect(order.count { $0 == 0 } == 300)
        #expect(Set(order) == Set(0...10), "the oldest first, so that all have their turn")
    }

    @Test func theLatestIsFirstWhileTheOldestHaveWaitedForLong() {
        var bench = QueueBench(queue: QueuePolicy(order: .lifoUnderOverload))
        for _ in 0..<4 {
            bench.enter(patience: 10 * QueueBench.second)
            bench.now += QueueBench.second
        }
        #expect(bench.grants(1) == [1], "nobody has waited for long yet")
        bench.now += 2 * QueueBench.second
        bench.enter(patience: 10 * QueueBench.second)
        #expect(bench.grants(3) == [5, 4, 3])
        bench.enter(patience: 10 * QueueBench.second)
        #expect(bench.grants() == [6, 2])
    }

    @Test func whatNobodyTakesOutIsFoundLater() {
        var bench = QueueBench(queue: QueuePolicy(length: 2000))
        for _ in 0..<600 { bench.enter(patience: QueueBench.second) }
        bench.now += 3 * QueueBench.second
        bench.enter()
        let early = bench.scheduler.lost(now: bench.now)
        #expect(early.isEmpty)
        bench.now += 4 * QueueBench.second
        let lost = bench.scheduler.lost(now: bench.now) + bench.scheduler.lost(now: bench.now)
        #expect(Set(lost.map(\.owner)) == Set(1...600) && bench.grants() == [601])
        #expect(bench.figures()?.expired == 600)
    }
}
