import Admission
import Catalog
import Routing
import Synchronization
import Testing

@testable import Flow

/// Several threads at one room: whoever waits is woken, and no more have slots than there are.
@Suite struct RoomRaceTests {
    private final class Ground: Sendable {
        static let threads = 4
        let shared = RoutingShared()
        let grants = (0..<threads).map { _ in Box() }
        let most = Atomic(0)
        let now = Atomic<UInt64>(1)
    }

    private final class Box: Sendable { let grant = Mutex<RoomGrant?>(nil) }

    @Test func nobodyWaitsForEver() async {
        let ground = Ground()
        let endpoint = FlowDriver.endpoint(FlowDriver.engine) { $0.maxInFlight = .fixed(2) }
        let catalog = Catalog(models: [Model(name: "m", endpoints: [endpoint])])
        let room = WaitingRoom(ground.shared) { owner, call in
            if case .granted(let grant) = call { ground.grants[Int(owner)].grant.withLock { $0 = grant } }
        }
        var numbers = EndpointNumbers()
        let table = RoutingTable(catalog, &numbers)
        room.adopt(catalog, table, now: 1)
        let target = table.target(0)
        await withTaskGroup(of: Bool.self) { group in
            for thread in 0..<Ground.threads {
                group.addTask { await Self.run(thread, ground, room, target) }
            }
            for await isDone in group { #expect(isDone) }
        }
        #expect(ground.shared.inFlight(0) == 0 && ground.shared.modelInFlight(0) == 0)
        #expect(ground.most.load(ordering: .relaxed) <= 2 && !room.isBusy)
    }

    /// False: it waited in vain.
    private static func run(_ thread: Int, _ ground: Ground, _ room: WaitingRoom, _ target: Target) async -> Bool {
        var context = FlowContext(seed: UInt64(thread), shared: ground.shared, room: room)
        context.now = 1
        for _ in 0..<4_000 {
            var slot: HeldSlot
            switch context.takeSlot(target, group: 0) {
            case .unneeded: return false
            case .taken(let taken): slot = taken
            case .none:
                guard let grant = await wait(thread, ground, room, target) else { return false }
                slot = HeldSlot(model: grant.model, group: grant.group, isBooked: true)
            }
            let inFlight = ground.shared.inFlight(0)
            ground.most.max(inFlight, ordering: .relaxed)
            context.release(slot, of: target.number)
        }
        return true
    }

    private static func wait(_ thread: Int, _ ground: Ground, _ room: WaitingRoom, _ target: Target) async -> RoomGrant? {
        let ask = TicketAsk(
            owner: UInt64(thread), group: 0, level: 0, cost: 1, arrival: 1, deadline: .max, models: [target.slot],
            endpoints: [EndpointChoice(number: target.number, model: target.slot)])
        switch room.enter(ask, now: 1) {
        case .granted(let grant): return grant
        case .waiting: break
        default: return nil
        }
        for _ in 0..<2_000_000 {
            let grant = ground.grants[thread].grant.withLock { grant in
                defer { grant = nil }
                return grant
            }
            if let grant { return grant }
            await Task.yield()
        }
        return nil
    }
}
