import Admission
import Catalog
import Control
import Reactor
import Routing
import Synchronization
import Testing

@testable import Flow
@testable import Proxy

/// Tickets whose owners have lost them, as only a fault of the proxy's could bring about.
@Suite struct LostTicketTests {
    private final class Calls: Sendable {
        let all = Mutex<[(owner: UInt64, call: RoomCall)]>([])
    }

    @Test func areTakenOutThoughNobodyAsks() throws {
        let outbox = try Outbox()
        var group = try LoopGroup(outbox)
        var endpoint = Endpoint(
            host: "e", port: 9, authority: "e:9", addresses: [SocketAddress(ip: IPAddress(v4: 127, 0, 0, 1), port: 9)])
        endpoint.activation = Activation(method: .unit("e"))
        let catalog = Catalog(models: [Model(name: "m", endpoints: [endpoint])])
        let configuration = try group.configuration(ProxySettings(generation: 1, catalog: catalog, hostNetnsCookie: 0))
        let shared = RoutingShared()
        let calls = Calls()
        let room = WaitingRoom(shared) { owner, call in calls.all.withLock { $0.append((owner, call)) } }
        let now = MonotonicClock.now()
        room.adopt(catalog, configuration.routes, now: now)
        let worker = try Worker(
            WorkerThread.Start(
                mailbox: try Mailbox(), outbox: outbox, audit: try AuditWriter(), desk: TokenDesk(), configuration: configuration,
                shared: shared, room: room, loop: 0, loops: 1), seed: 1)
        worker.watchQueue()
        #expect(worker.wheel.waitMilliseconds(now: now) < 0, "nobody waits: there is nothing to look for")

        let model = try #require(configuration.routes.slot(ofModel: 0))
        let number = configuration.routes.target(0).number
        let ask = TicketAsk(
            owner: 7, group: 0, level: 0, cost: 1, arrival: now - 20_000_000_000, deadline: now - 10_000_000_000, models: [model],
            endpoints: [EndpointChoice(number: number, model: model)])
        guard case .waiting(let ticket) = room.enter(ask, now: now) else {
            Issue.record("it does not wait")
            return
        }
        #expect(room.isBusy)
        worker.watchQueue()
        let wait = worker.wheel.waitMilliseconds(now: now)
        #expect(wait >= 0 && wait <= 1100)
        worker.expire(own: Worker.queueToken)
        #expect(!room.isBusy)
        let told = calls.all.withLock { $0 }
        guard told.count == 1, told[0].owner == 7, case .lookAgain(ticket) = told[0].call else {
            Issue.record("\(told)")
            return
        }
    }
}
