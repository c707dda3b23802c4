import Catalog
import Control
import Glibc
import Reactor
import Telemetry
import Testing

@testable import Proxy

/// A proxy takes the place of another: its listeners first, then its callers one by one.
@Suite struct TakeOverTests {
    private func catalog(_ engine: TestEngine) -> Catalog {
        Catalog(models: [Model(name: "m", endpoints: [engine.endpoint()])])
    }

    private func cookies(_ sockets: [Int32]) -> Set<UInt64> { Set(sockets.compactMap { ListeningSocket($0)?.cookie }) }

    /// With as many event loops as before, with more, and with fewer: no socket is lost on which somebody may wait.
    @Test(arguments: [(1, 1), (1, 3), (3, 1), (3, 2)]) func theListenersStayTheSame(before: Int, after: Int) throws {
        let engine = try TestEngine { $0.answer("END") }
        let first = try TestProxy(catalog(engine), loops: before)
        let second = try TestProxy(catalog(engine), loops: after, former: first)
        #expect(cookies(first.listeners).isSubset(of: cookies(second.listeners)))
        #expect(second.listeners.count == max(before, after))
        first.retire()
        // Wherever the kernel puts them, somebody accepts.
        for _ in 0..<20 {
            let caller = try TestCaller(second.gateway)
            #expect(caller.ask("m", "END").contains("200 OK"))
        }
        #expect(second.statistics?.acceptedGateway ?? 0 >= 1)
    }

    @Test func callersAreToldWithTheirNextAnswer() throws {
        let engine = try TestEngine { $0.answer("END") }
        let first = try TestProxy(catalog(engine))
        let caller = try TestCaller(first.gateway)
        #expect(!caller.ask("m", "END").contains("Connection: close"))
        let second = try TestProxy(catalog(engine), former: first)
        first.retire()
        #expect(!first.isDrained)
        let last = caller.ask("m", "END")
        #expect(last.contains("200 OK") && last.contains("Connection: close"))
        #expect(caller.receive { _ in false }.end == .closed)
        let next = try TestCaller(second.gateway)
        #expect(next.ask("m", "END").contains("200 OK"))
        let deadline = MonotonicClock.now() + 10_000_000_000
        while !first.isDrained, MonotonicClock.now() < deadline { _ = poll(nil, 0, 5) }
        #expect(first.isDrained)
    }

    /// The broker's own answers end the connection, too.
    @Test func refusalsTellThemAsWell() throws {
        let engine = try TestEngine { $0.answer("END") }
        let first = try TestProxy(catalog(engine))
        let caller = try TestCaller(first.gateway)
        #expect(caller.ask("m", "END").contains("200 OK"))
        let second = try TestProxy(catalog(engine), former: first)
        defer { second.drain() }
        first.retire()
        let refused = caller.ask("nobody", "}")
        #expect(refused.contains("404") && refused.contains("Connection: close"))
    }

    @Test func whatIsNoListenerOfThatAddressIsNotUsed() throws {
        let engine = try TestEngine { $0.answer("END") }
        let proxy = try TestProxy(catalog(engine))
        var ends: [Int32] = [-1, -1]
        try #require(socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0, &ends) == 0)
        defer { _ = close(ends[1]) }
        let elsewhere = try Socket.listen(SocketAddress(ip: IPAddress(v4: 127, 0, 0, 1), port: 0)).take()
        let address = SocketAddress(localOf: elsewhere)
        proxy.take(HandedListener(address: proxy.gateway, purpose: .gateway, count: 2), [ends[0], elsewhere])
        // They are closed at once, and nothing else happens.
        var byte: UInt8 = 0
        #expect(recv(ends[1], &byte, 1, 0) == 0)
        #expect(throws: SystemError.self) { _ = try TestCaller(address) }
        let caller = try TestCaller(proxy.gateway)
        #expect(caller.ask("m", "END").contains("200 OK"))
    }

    @Test func countsGoOnWhereOthersEnded() throws {
        let engine = try TestEngine { $0.answer("END") }
        let proxy = try TestProxy(catalog(engine))
        let caller = try TestCaller(proxy.gateway)
        _ = caller.ask("m", "END")
        let one = try #require(proxy.statistics)
        proxy.carry(ProxyTotals(statistics: one).ended)
        proxy.carry(ProxyTotals(statistics: one).ended)
        let three = try #require(proxy.statistics)
        #expect(three.acceptedGateway == 3 * one.acceptedGateway)
        #expect(three.models.first?.counters.requests == 3)
        #expect(three.openConnections == one.openConnections)
    }
}
