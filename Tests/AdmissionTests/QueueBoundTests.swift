import Admission
import Catalog
import Testing

/// What bounds the queues, whom that hits, and what is kept free.
@Suite struct QueueBoundTests {
    private static let batch = GroupTerms.batchLevel

    @Test func aFullQueueTakesNobody() {
        var bench = QueueBench(queue: QueuePolicy(length: 2, bytes: 100))
        #expect(bench.enter(bytes: 101).0 == .full(retryAfter: 2 * QueueBench.second))
        bench.enter(bytes: 60)
        #expect(bench.enter(bytes: 41).0 == .full(retryAfter: 2 * QueueBench.second))
        bench.enter(bytes: 40)
        #expect(bench.enter().0 == .full(retryAfter: 2 * QueueBench.second))
        #expect(bench.figures()?.full == 3 && bench.figures()?.waiting == 2 && bench.figures()?.bytes == 100)
        #expect(bench.grants() == [2, 4])
        #expect(bench.figures()?.bytes == 0)
    }

    @Test func nothingWaitsWhereTheLengthIsNone() {
        var bench = QueueBench(queue: QueuePolicy(length: 0))
        #expect(bench.ticket() == nil)
    }

    /// The youngest of the lowest level leaves first; nobody leaves for his like.
    @Test func theUrgentDisplaceTheOthers() {
        var bench = QueueBench(
            [GroupTerms(name: "default"), GroupTerms(name: "high", level: 5), GroupTerms(name: "night", level: Self.batch)],
            queue: QueuePolicy(length: 4))
        for group in [0, 2, 2, 0] { bench.enter(group) }
        #expect(bench.enter(1).evicted.map(\.owner) == [3])
        #expect(bench.enter(1).evicted.map(\.owner) == [2])
        #expect(bench.enter(1).evicted.map(\.owner) == [4])
        #expect(bench.enter(2).0 == .full(retryAfter: 2 * QueueBench.second))
        #expect(bench.enter(0).0 == .full(retryAfter: 2 * QueueBench.second))
        #expect(bench.grants() == [5, 6, 7, 1])
        #expect(bench.figures("night")?.shed == 2 && bench.figures()?.shed == 1)
    }

    /// As many leave as bytes are needed, and none if that would not be enough.
    @Test func roomIsMadeForBytes() {
        var bench = QueueBench(
            [GroupTerms(name: "default"), GroupTerms(name: "night", level: Self.batch)], queue: QueuePolicy(bytes: 100))
        for _ in 0..<3 { bench.enter(1, bytes: 20) }
        bench.enter(0, bytes: 30)
        #expect(bench.enter(0, bytes: 71).0 == .full(retryAfter: 2 * QueueBench.second))
        #expect(bench.enter(0, bytes: 50).evicted.map(\.owner) == [3, 2])
        #expect(bench.figures()?.bytes == 80)
    }

    /// A group that floods the model's queue makes room for one that has its part yet to get.
    @Test func aFloodDoesNotShutOutTheOthers() {
        var bench = QueueBench([GroupTerms(name: "default"), GroupTerms(name: "b", weight: 3)], queue: QueuePolicy(length: 8))
        for _ in 0..<8 { bench.enter(0) }
        #expect(bench.ticket(0) == nil)
        for place in 0..<6 { #expect(bench.enter(1).evicted.map(\.owner) == [UInt64(8 - place)]) }
        #expect(bench.ticket(1) == nil && bench.ticket(0) == nil)
        #expect(bench.figures("b")?.waiting == 6)
    }

    @Test func aQueueOfItsOwnIsNobodyElses() {
        var bench = QueueBench(
            [GroupTerms(name: "default"), GroupTerms(name: "own", level: -5, queue: QueuePolicy(length: 3))],
            queue: QueuePolicy(length: 2))
        for _ in 0..<2 { bench.enter(0) }
        for _ in 0..<3 { #expect(bench.ticket(1) != nil) }
        #expect(bench.enter(0).evicted.isEmpty && bench.ticket(0) == nil && bench.ticket(1) == nil)
    }

    /// It waits where there is room.
    @Test func oneOfSeveralModelsIsEnough() {
        var bench = QueueBench(queue: QueuePolicy(length: 1), models: 2)
        bench.enter(at: [(0, 0)])
        #expect(bench.ticket(at: [(0, 0), (1, 1)]) != nil)
        #expect(bench.ticket(at: [(0, 0), (1, 1)]) == nil)
        #expect(bench.grants(endpoint: 0) == [1] && bench.grants(endpoint: 1, model: 1) == [2])
    }

    @Test func namesThatNobodyKnowsAreNoPlace() {
        var bench = QueueBench()
        #expect(bench.ticket(at: [(0, 9)]) == nil && bench.ticket(at: []) == nil)
        #expect(bench.scheduler.next(model: 9, endpoint: 0, limit: 0, now: bench.now) == nil)
        #expect(bench.scheduler.mayPass(model: 9, group: 0, limit: 1, inFlight: 1) && !bench.scheduler.isGated(model: 9))
        var ask = bench.ask()
        ask.group = 1000
        #expect(bench.scheduler.enter(ask, now: bench.now).evicted.isEmpty && bench.figures()?.waiting == 1)
    }

    // MARK: - Hope

    /// Ten a second go; who could not be served in time is told at once, if he is the least urgent.
    private static func busy() -> QueueBench {
        var bench = QueueBench(
            [GroupTerms(name: "default"), GroupTerms(name: "night", level: batch)], queue: QueuePolicy(length: 1000))
        for _ in 0..<120 { bench.enter(0) }
        for _ in 0..<20 {
            bench.now += 100 * QueueBench.millisecond
            _ = bench.grants(1)
        }
        return bench
    }

    @Test func whoWouldWaitInVainIsToldAtOnce() {
        var bench = Self.busy()
        guard case .hopeless(let retry) = bench.enter(1, patience: 9 * QueueBench.second).0 else {
            return #expect(Bool(false), "a hundred are ahead of it")
        }
        #expect(retry > 9 * QueueBench.second && retry < 12 * QueueBench.second)
        #expect(bench.figures("night")?.expired == 1)
        #expect(bench.ticket(1) != nil, "it has 30 seconds")
        guard case .waiting = bench.enter(0, patience: QueueBench.second).0 else {
            return #expect(Bool(false), "the most urgent level is never refused for that")
        }
    }

    /// An engine that has not answered for some time may be loading: nobody knows how fast it will be.
    @Test func silenceIsNoMeasure() {
        var bench = Self.busy()
        bench.now += 3 * QueueBench.second
        #expect(bench.ticket(1) != nil)
        guard case .waiting = bench.enter(1, patience: QueueBench.second).0 else {
            return #expect(Bool(false), "nothing is known")
        }
    }

    @Test func theFullAreToldWhenToComeBack() {
        var bench = QueueBench(queue: QueuePolicy(length: 100))
        for _ in 0..<100 { bench.enter() }
        for _ in 0..<40 {
            bench.now += 50 * QueueBench.millisecond
            _ = bench.grants(1)
            bench.enter()
        }
        guard case .full(let retry) = bench.enter().0 else { return #expect(Bool(false), "it is full") }
        #expect(retry > 4 * QueueBench.second && retry < 6 * QueueBench.second, "100 at 20 a second")
    }

    // MARK: - Reserved shares

    private static let reserved = [
        GroupTerms(name: "default"), GroupTerms(name: "gold", weight: 3, isReclaimable: false),
    ]

    @Test func aReservedShareStaysFree() {
        var bench = QueueBench(Self.reserved)
        #expect(bench.scheduler.isGated(model: 0))
        func mayPass(_ group: Int, _ inFlight: UInt64) -> Bool {
            bench.scheduler.mayPass(model: 0, group: group, limit: 8, inFlight: inFlight)
        }
        #expect(mayPass(0, 0) && mayPass(0, 1) && !mayPass(0, 2) && mayPass(1, 7))
        for _ in 0..<2 { bench.scheduler.began(model: 0, group: 0) }
        for _ in 0..<9 { bench.enter(0) }
        #expect(bench.groupsOfGrants(9, limit: 8) == [])
        for _ in 0..<9 { bench.enter(1) }
        #expect(bench.groupsOfGrants(6, limit: 8) == [1, 1, 1, 1, 1, 1])
        bench.scheduler.ended(model: 0, group: 1)
        #expect(bench.groupsOfGrants(1, limit: 8) == [1], "others may not borrow what it leaves")
        bench.scheduler.ended(model: 0, group: 0)
        // Beyond its share it is one among others.
        #expect(bench.groupsOfGrants(1, limit: 8) == [0])
        #expect(bench.figures("gold")?.entitlement(limit: 8) == 6_000)
    }

    /// What cannot be divided is not reserved: the others keep a slot.
    @Test(arguments: [1, 2, 3] as [UInt64]) func theOthersKeepASlot(limit: UInt64) {
        let bench = QueueBench([
            GroupTerms(name: "default"), GroupTerms(name: "a", weight: 1000, isReclaimable: false),
            GroupTerms(name: "b", level: 3, weight: 1000, isReclaimable: false),
        ])
        #expect(bench.scheduler.mayPass(model: 0, group: 0, limit: limit, inFlight: 0))
        #expect(bench.scheduler.mayPass(model: 0, group: 0, limit: limit, inFlight: 1) == false)
        #expect(bench.scheduler.mayPass(model: 0, group: 2, limit: limit, inFlight: limit) == (limit > 1))
    }

    @Test func noLimitReservesNothing() {
        var bench = QueueBench(Self.reserved)
        #expect(bench.scheduler.mayPass(model: 0, group: 0, limit: 0, inFlight: 100))
        bench.enter(0)
        #expect(bench.groupsOfGrants(1) == [0])
    }
}
