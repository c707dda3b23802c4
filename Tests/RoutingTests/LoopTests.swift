import Catalog
import Routing
import Testing

/// Event loops side by side.
@Suite struct LoopTests {
    static let loops = 4

    @Test func countsComeOutEvenAndSessionsAgree() async {
        let policy = SessionPolicy(key: .user)
        let ground = Ground(.sessionSticky(policy), endpoints: 5)
        let found = await withTaskGroup(of: [EndpointNumber].self) { group in
            for loop in 0..<Self.loops { group.addTask { Self.run(loop, ground) } }
            return await group.reduce(into: []) { $0.append($1) }
        }
        #expect(found.count == Self.loops && found.allSatisfy { $0 == found[0] && !$0.contains(-1) })
        for target in 0..<ground.table.targetCount { #expect(ground.shared.inFlight(ground.table.target(target).number) == 0) }
    }

    /// Where each of a few sessions is, after many requests of this loop's.
    private static func run(_ loop: Int, _ ground: Ground) -> [EndpointNumber] {
        var router = Router(seed: UInt64(loop), shared: ground.shared)
        router.adopt(ground.table, now: ground.now)
        var open: [Attempt] = []
        var seen: [EndpointNumber] = Array(repeating: -1, count: 50)
        for request in 0..<4_000 {
            let ask = RouteAsk(route: 0, session: Hash.text("session \(request % 50)"))
            guard case .target(let target, let isTrial) = router.pick(ask, ground.table, now: ground.now) else { continue }
            let attempt = router.began(ground.table.target(target), for: ask, isTrial: isTrial, now: ground.now)
            seen[request % 50] = attempt.number
            open.append(attempt)
            if open.count > 8 { router.ended(open.removeFirst(), .success(firstByte: 1, total: 1), now: ground.now) }
        }
        for attempt in open { router.ended(attempt, .cancelled, now: ground.now) }
        return seen
    }

    /// More sessions than there is room for: the oldest go, and nothing else happens.
    @Test func sessionsBeyondTheTableGoByTheirOrder() {
        var ground = Ground(.sessionSticky(SessionPolicy(key: .user)), endpoints: 3)
        var random = Random(seed: 5)
        let late = RouteAsk(route: 0, session: 77)
        for _ in 0..<80_000 { _ = ground.pick(RouteAsk(route: 0, session: random.next() | 1)) }
        ground.wait(1_000)
        let own = ground.pick(late)
        ground.wait(1_000)
        #expect((0..<100).allSatisfy { _ in ground.pick(late) == own } && own != nil)
    }
}
