import Admission
import Catalog
import Control
import Flow
import Identity
import Routing
import Synchronization

/// Several flows, each in an event loop of its own, that share slots and a waiting room. What the room has to say is delivered
/// by hand.
final class WaitingLine {
    private final class Posts: Sendable {
        let calls = Mutex<[(owner: UInt64, call: RoomCall)]>([])
    }

    let shared: RoutingShared
    let room: WaitingRoom
    private let posts = Posts()
    private var numbers = EndpointNumbers()
    private(set) var catalog: Catalog
    private(set) var table: RoutingTable
    var flows: [FlowDriver] = []
    private var standings: [Standing] = []
    /// Nanoseconds, of all flows.
    private(set) var now: UInt64 = 1_000_000_000

    init(_ catalog: Catalog) {
        let posts = posts
        shared = RoutingShared()
        room = WaitingRoom(shared) { owner, call in posts.calls.withLock { $0.append((owner, call)) } }
        self.catalog = catalog
        table = RoutingTable(catalog, &numbers)
        room.adopt(catalog, table, now: now)
    }

    /// One model with an endpoint that takes so many requests at once.
    convenience init(
        slots: UInt32, queue: QueuePolicy = QueuePolicy(), groups: [Group] = [], clients: [Client] = [],
        _ change: (inout Catalog) -> Void = { _ in }
    ) {
        var catalog = Catalog(
            models: [
                Model(
                    name: "m", endpoints: [FlowDriver.endpoint(FlowDriver.engine) { $0.maxInFlight = .fixed(slots) }],
                    routing: FlowDriver.policy(), queue: queue)
            ], clients: clients, groups: groups)
        change(&catalog)
        self.init(catalog)
    }

    /// Adds a flow; its number.
    @discardableResult
    func join(client: String = "") -> Int {
        var driver = FlowDriver(.gateway, shared: shared, room: room)
        var caller = driver.flow.caller
        caller.client = client
        driver.context.now = now
        driver.flow = Flow(caller, &driver.context)
        driver.flow.owner = UInt64(flows.count)
        adopt(&driver)
        driver.context.router.take(standings, table, now: now, epochMilliseconds: now / 1_000_000)
        flows.append(driver)
        return flows.count - 1
    }

    private func adopt(_ driver: inout FlowDriver) {
        driver.context.adopt(
            table, catalog.node, access: AccessTable(models: catalog.models, clients: catalog.clients, pools: catalog.pools),
            directory: ClientDirectory(catalog), shares: ShareTable(catalog))
    }

    /// A flow with a request under way or in line.
    @discardableResult
    func ask(client: String = "", _ text: String = Text.post()) -> Int {
        let index = join(client: client)
        flows[index].client(text)
        return index
    }

    /// Puts another catalogue in force in the room, and in all loops.
    func reload(_ change: (inout Catalog) -> Void) {
        change(&catalog)
        table = RoutingTable(catalog, &numbers)
        room.adopt(catalog, table, now: now)
        for index in flows.indices { adopt(&flows[index]) }
        for index in flows.indices { flows[index].lookAgain() }
    }

    /// - Parameter standings: with times of `now`, in milliseconds.
    func stand(_ standings: [Standing]) {
        self.standings = standings
        for index in flows.indices {
            flows[index].context.router.take(standings, table, now: now, epochMilliseconds: now / 1_000_000)
        }
        room.take(standings, table, now: now)
        for index in flows.indices { flows[index].lookAgain() }
    }

    func pass(_ milliseconds: UInt64) {
        now += milliseconds * 1_000_000
        for index in flows.indices { flows[index].context.now = now }
    }

    var calls: [(owner: UInt64, call: RoomCall)] { posts.calls.withLock { $0 } }

    /// Delivers what the room has said, until it says no more; who got a slot, in order.
    @discardableResult
    func deliver() -> [Int] {
        var granted: [Int] = []
        while true {
            let calls = posts.calls.withLock { calls in
                defer { calls = [] }
                return calls
            }
            if calls.isEmpty { return granted }
            for (owner, call) in calls {
                if case .granted = call, flows[Int(owner)].flow.isQueued { granted.append(Int(owner)) }
                flows[Int(owner)].called(call)
            }
        }
    }

    /// The flow's request is answered, whatever it had got to.
    func answer(_ index: Int, _ text: String = Text.answer) {
        flows[index].connected()
        flows[index].upstream(text)
    }

    /// Timers that are due.
    func fire() {
        for index in flows.indices where flows[index].flow.deadline != 0 && flows[index].flow.deadline <= now {
            flows[index].timeout(at: now)
        }
    }

    func isQueued(_ index: Int) -> Bool { flows[index].flow.isQueued }

    /// Slots in use, of endpoints and of models.
    var inUse: (endpoints: Int, models: UInt64) {
        let endpoints = (0..<EndpointNumber(numbers.count)).reduce(0) { $0 + shared.inFlight($1) }
        return (endpoints, (0..<Int32(catalog.models.count)).reduce(0) { $0 + shared.modelInFlight($1) })
    }

    var waiting: UInt64 { room.records(now: now).reduce(0) { $0 + $1.waiting } }
}

extension FlowDriver {
    mutating func timeout(at now: UInt64) {
        context.now = now
        flow.timeout(&context, &out)
        settle()
    }
}
