import Catalog
import Control
import Glibc
import Reactor
import Synchronization
import Testing

@testable import Proxy

/// Requests that wait for slots, over sockets and event loops.
@Suite struct QueueDriverTests {
    private final class Load: Sendable {
        let now = Atomic(0)
        let most = Atomic(0)

        func serve(_ microseconds: UInt32) {
            most.max(now.add(1, ordering: .relaxed).newValue, ordering: .relaxed)
            usleep(microseconds)
            now.subtract(1, ordering: .relaxed)
        }
    }

    private func records(_ proxy: TestProxy) -> [QueueRecord] {
        guard case .queues(let records)? = proxy.ask(.queues) else { return [] }
        return records
    }

    private func callers(_ count: Int, _ gateway: SocketAddress, _ body: (borrowing TestCaller) -> Void) throws {
        for _ in 0..<count { body(try TestCaller(gateway)) }
    }

    private final class Caller {
        let socket: TestCaller
        init(_ gateway: SocketAddress) throws { socket = try TestCaller(gateway) }
    }

    @Test(arguments: [1, 2])
    func allAreAnsweredAndNoMoreThanTheLimitAtOnce(loops: Int) throws {
        let load = Load()
        let engine = try TestEngine {
            load.serve(5_000)
            $0.answer("END")
        }
        defer { engine.close() }
        var endpoint = engine.endpoint()
        endpoint.maxInFlight = .fixed(3)
        let proxy = try TestProxy(Catalog(models: [Model(name: "m", endpoints: [endpoint])]), loops: loops)
        let all = try (0..<40).map { _ in try Caller(proxy.gateway) }
        for caller in all { caller.socket.post("m") }
        for caller in all { #expect(caller.socket.receive { $0.hasSuffix("END") }.end == .open) }
        #expect(load.most.load(ordering: .relaxed) <= 3)
        let record = try #require(records(proxy).first)
        #expect(record.granted + record.immediate == 40 && record.waiting == 0 && record.inFlight == 0 && record.limit == 3)
    }

    @Test func whoGoesAwayIsGoneFromTheLine() throws {
        let go = Flag()
        let engine = try TestEngine {
            while !go.isSet { usleep(1_000) }
            $0.answer("END")
        }
        defer { engine.close() }
        var endpoint = engine.endpoint()
        endpoint.maxInFlight = .fixed(1)
        let proxy = try TestProxy(Catalog(models: [Model(name: "m", endpoints: [endpoint])]))
        let first = try Caller(proxy.gateway)
        first.socket.post("m")
        try eventually { records(proxy).first?.inFlight == 1 }
        var others = try (0..<20).map { _ in try Caller(proxy.gateway) }
        for caller in others { caller.socket.post("m") }
        try eventually { records(proxy).first?.waiting == 20 }
        others.removeLast(19)
        try eventually { records(proxy).first?.waiting == 1 }
        go.set()
        #expect(first.socket.receive { $0.hasSuffix("END") }.end == .open)
        #expect(others[0].socket.receive { $0.hasSuffix("END") }.end == .open)
        #expect(records(proxy).first?.left == 19)
    }

    @Test func aSleepingServerIsAskedForAndWaitedFor() throws {
        let engine = try TestEngine { $0.answer("END") }
        defer { engine.close() }
        var endpoint = engine.endpoint()
        endpoint.isOnDemand = true
        let key = EndpointKey(url: endpoint.url, address: engine.address)
        let proxy = try TestProxy(Catalog(models: [Model(name: "m", endpoints: [endpoint])]), loops: 2)
        let all = try (0..<10).map { _ in try Caller(proxy.gateway) }
        for caller in all { caller.socket.post("m") }
        #expect(proxy.waitFor { if case .wanted([key]) = $0 { $0 } else { nil } } != nil)
        // Again, as long as that is so.
        #expect(proxy.waitFor { if case .wanted([key]) = $0 { $0 } else { nil } } != nil)
        #expect(engine.seen.requests.isEmpty)
        proxy.take([EndpointStanding(key: key, phase: .ready)])
        for caller in all { #expect(caller.socket.receive { $0.hasSuffix("END") }.end == .open) }
        #expect(engine.seen.requests.count == 10)
    }
}
