import Routing
import Testing

/// Slots at an engine that others use as well, which says how many requests it has in all.
@Suite struct SlotTests {
    private func shared(limit: UInt32 = 8, ours: Int = 0) -> RoutingShared {
        let shared = RoutingShared()
        shared.setLimit(0, limit)
        for _ in 0..<ours { _ = shared.take(0, 0) }
        return shared
    }

    @Test func whatOthersHaveIsTakenOff() {
        let shared = shared()
        shared.setLoad(0, 5)
        #expect(shared.usableLimit(0) == 3)
        #expect((0..<4).map { _ in shared.take(0, 0) } == [true, true, true, false])
        #expect(shared.endpointLimit(0) == 8)
    }

    @Test func oneIsAlwaysLeft() {
        let shared = shared()
        for load in [8, 9, 5_000, .max] as [UInt32] {
            shared.setLoad(0, load)
            #expect(shared.usableLimit(0) == 1)
        }
        #expect(shared.take(0, 0) && !shared.take(0, 0))
    }

    @Test func oursAreNotOthers() {
        let shared = shared(ours: 6)
        for _ in 0..<3 {
            shared.setLoad(0, 6)
            #expect(shared.usableLimit(0) == 8)
        }
        shared.setLoad(0, 8)
        #expect(shared.usableLimit(0) == 6)
    }

    /// Those of ours that have ended since the reading may still be in it, or not.
    @Test func oursThatEndDoNotHideOthers() {
        let shared = shared(ours: 4)
        shared.setLoad(0, 8)
        #expect(shared.usableLimit(0) == 4)
        for _ in 0..<4 { _ = shared.release(0, 0) }
        for _ in 0..<5 {
            shared.setLoad(0, 4)
            #expect(shared.usableLimit(0) == 4)
        }
    }

    @Test func othersThatEndMakeRoom() {
        let shared = shared(ours: 1)
        shared.setLoad(0, 8)
        #expect(shared.usableLimit(0) == 1)
        for _ in 0..<2 { shared.setLoad(0, 1) }
        #expect(shared.usableLimit(0) == 8)
    }

    /// A reading of nothing is the last one until there is something again.
    @Test func whereNothingIsNobodyHasAnything() {
        let shared = shared()
        shared.setLoad(0, 8)
        shared.setLoad(0, 0)
        #expect(shared.usableLimit(0) == 8)
    }

    @Test func whatIsNotKnownAnyMoreIsNothing() {
        let shared = shared()
        shared.setLoad(0, 8)
        shared.setLoad(0, nil)
        #expect(shared.usableLimit(0) == 8)
        shared.setLoad(0, 0)
        #expect(shared.usableLimit(0) == 8)
    }

    @Test func whereThereIsNoLimitThereIsNone() {
        let shared = shared(limit: 0)
        shared.setLoad(0, 100)
        #expect(shared.usableLimit(0) == 0 && (0..<50).allSatisfy { _ in shared.take(0, 0) })
    }
}
