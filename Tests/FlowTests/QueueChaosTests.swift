import Catalog
import Control
import Flow
import Routing
import Testing

/// Whatever happens to requests that wait, no slot is lost, and nobody waits beside a free one.
@Suite struct QueueChaosTests {
    private struct Dice {
        var state: UInt64
        mutating func below(_ bound: Int) -> Int {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return Int((state >> 33) % UInt64(bound))
        }
    }

    private func line() -> WaitingLine {
        let endpoint = { (address: SocketAddress, slots: UInt32) in
            FlowDriver.endpoint(address) { $0.maxInFlight = .fixed(slots) }
        }
        let policy = FlowDriver.policy(RetryPolicy(attempts: 3), .leastInFlight)
        let groups = [
            Group(name: "gold", priority: 5), Group(name: "own", isReclaimable: false), Group(name: "night", delivery: .batch),
        ]
        return WaitingLine(
            Catalog(
                models: [
                    Model(
                        name: "big", endpoints: [endpoint(FlowDriver.engine, 2), endpoint(FlowDriver.second, 1)], routing: policy,
                        queue: QueuePolicy(length: 12, wait: 400)),
                    Model(name: "small", endpoints: [endpoint(FlowDriver.third, 2)], routing: policy, maxInFlight: 1),
                ], clients: groups.map { Client(name: $0.name, workloads: ["/\($0.name)"], group: $0.name) },
                pools: [Pool(name: "chat", models: [.init(model: "big"), .init(model: "small")], routing: policy)],
                groups: groups))
    }

    @Test(arguments: [1, 2, 3, 4, 5, 6, 7, 8] as [UInt64])
    func nothingIsLost(_ seed: UInt64) {
        var dice = Dice(state: seed)
        let line = line()
        var live: [Int] = []
        for step in 0..<400 {
            switch dice.below(11) {
            case 0, 1, 2, 3:
                let client = ["", "gold", "own", "night"][dice.below(4)]
                live.append(line.ask(client: client, Text.ask(["big", "small", "chat"][dice.below(3)])))
            case 4 where !live.isEmpty:
                let flow = live.remove(at: dice.below(live.count))
                if dice.below(2) == 0 { line.flows[flow].hungUp() } else { line.flows[flow].abandon() }
            case 5 where !live.isEmpty:
                let flow = live[dice.below(live.count)]
                line.flows[flow].connectFailed()
            case 6 where !live.isEmpty: line.answer(live[dice.below(live.count)], Text.failure(503))
            case 7 where !live.isEmpty, 8 where !live.isEmpty: line.answer(live[dice.below(live.count)])
            case 9: line.deliver()
            case 10:
                line.pass(UInt64(dice.below(150)))
                line.fire()
                if step % 7 == 0 {
                    let slots = UInt32(1 + dice.below(3))
                    line.reload { $0.models[0].endpoints[0].maxInFlight = .fixed(slots) }
                }
            default: break
            }
        }
        // Now all goes well, and all of them come to an end.
        line.deliver()
        for _ in 0..<200 where live.contains(where: { line.flows[$0].flow.state != .idle }) {
            for flow in live { line.answer(flow) }
            line.deliver()
            line.pass(50)
            line.fire()
        }
        #expect(line.waiting == 0 && line.inUse == (0, 0))
        #expect(live.allSatisfy { [.idle, .closing].contains(line.flows[$0].flow.state) })
        #expect(line.room.records(now: line.now).allSatisfy { $0.inFlight == 0 })
        // And the slots are there.
        let full = (0..<10).map { _ in line.ask(Text.ask("small")) }
        #expect(full.filter { !line.isQueued($0) }.count == 1)
    }
}
