import Catalog
import Testing

@testable import Agent

@Suite struct InquiryScheduleTests {
    private let second: UInt64 = 1_000_000_000

    private func errand(_ number: Int) -> Errand { Errand(purpose: .health, url: "http://e\(number)", address: nil) }

    private func plan(_ addresses: Int = 1, period: UInt64 = 5_000_000_000) -> InquiryPlan {
        InquiryPlan(
            addresses: (0..<addresses).map { SocketAddress(ip: IPAddress(v4: 127, 0, 0, UInt8($0)), port: 1) }, request: [],
            period: period, timeout: 2_000_000_000, bodyLimit: nil)
    }

    private func schedule(_ count: Int, _ plan: InquiryPlan) -> InquirySchedule {
        var schedule = InquirySchedule(seed: 7)
        schedule.watch((0..<count).map { (errand($0), plan) }, now: 0)
        return schedule
    }

    @Test func thoseThatAreNewAreSpread() {
        var schedule = schedule(1000, plan())
        #expect(schedule.due(0).count == 1)
        #expect(schedule.due(second).count < 250, "a thousand do not come within a second")
        var few = self.schedule(3, plan())
        #expect(few.due(20_000_000).count == 3, "three do")
        #expect(InquirySchedule().next == nil)
    }

    /// Servers that say nothing hold up nobody for ever, and everybody has a turn.
    @Test func onlySoManyAtOnceAndEachHasATurn() async throws {
        let (most, asked) = try await blocking { oneAfterTheOther() }
        #expect(most == InquirySchedule.maximumUnderWay)
        #expect(asked == 1000)
    }

    /// The most at once, and how many had a turn. Computes for seconds.
    private func oneAfterTheOther() -> (most: Int, asked: Int) {
        var schedule = schedule(1000, plan())
        var asked: Set<Errand> = []
        var most = 0
        for step in UInt64(0)..<1000 {
            let now = step * 20_000_000
            for late in schedule.late(now) { #expect(schedule.finished(late, succeeded: false) == true) }
            asked.formUnion(schedule.due(now).map(\.errand))
            most = max(most, schedule.underWay)
        }
        return (most, asked.count)
    }

    /// A few long answers at a time; health checks go on beside them.
    @Test func onlyAFewReadBodies() {
        var schedule = InquirySchedule(seed: 7)
        var long = plan()
        long.bodyLimit = 4 << 20
        schedule.watch((0..<50).map { (errand($0), $0 < 40 ? long : plan()) }, now: 0)
        let first = schedule.due(second)
        #expect(first.count(where: { $0.plan.bodyLimit != nil }) == InquirySchedule.maximumReading)
        #expect(first.count == InquirySchedule.maximumReading + 10)
        for (errand, _, _) in first { _ = schedule.finished(errand, succeeded: true) }
        let second = schedule.due(second)
        #expect(second.count == InquirySchedule.maximumReading)
        #expect(Set(second.map(\.errand)).isDisjoint(with: first.map(\.errand)))
    }

    @Test func thePeriodHasATenthOfJitter() {
        var schedule = schedule(1, plan())
        var now: UInt64 = 0
        var waits: Set<UInt64> = []
        for _ in 0..<100 {
            #expect(schedule.due(now).count == 1)
            #expect(schedule.due(now).isEmpty, "it is under way")
            #expect(schedule.finished(errand(0), succeeded: true) == true)
            let next = schedule.next ?? 0
            #expect(next >= now + 4_500_000_000 && next < now + 5_500_000_000)
            waits.insert(next - now)
            now = next
        }
        #expect(waits.count > 50)
    }

    @Test func anotherAddressIsAskedAfterAFailure() {
        var schedule = schedule(1, plan(3, period: 1))
        let answers = [true, false, false, false, true]
        var asked: [Int] = []
        for (step, answer) in answers.enumerated() {
            asked += schedule.due(UInt64(step) * second).map(\.address)
            _ = schedule.finished(errand(0), succeeded: answer)
        }
        #expect(asked == [0, 0, 1, 2, 0])
    }

    @Test func whoStaysKeepsItsTurnAndWhoGoesIsForgotten() {
        var schedule = schedule(2, plan())
        #expect(schedule.due(10_000_000).count == 2)
        _ = schedule.finished(errand(0), succeeded: true)
        schedule.watch([(errand(0), plan()), (errand(2), plan())], now: second)
        #expect(schedule.finished(errand(1), succeeded: true) == false, "nobody waits for it")
        #expect(schedule.underWay == 0)
        #expect(schedule.due(second).map(\.errand) == [errand(2)])
        #expect(schedule.late(100 * second) == [errand(2)])
        _ = schedule.finished(errand(2), succeeded: true)
        #expect(schedule.due(4 * second).isEmpty)
        #expect(schedule.due(6 * second).map(\.errand).contains(errand(0)))
        _ = schedule.finished(errand(0), succeeded: true)
        schedule.watch([(errand(0), plan(2))], now: 7 * second)
        #expect(schedule.due(7 * second).count == 1, "what it does has changed")
    }

    @Test func anErrandWithoutAnAddressIsNone() {
        var schedule = schedule(1, plan(0))
        #expect(schedule.due(second).isEmpty && schedule.next == nil)
    }
}
