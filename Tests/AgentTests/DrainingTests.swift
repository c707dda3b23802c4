import Control
import Glibc
import Logging
import Testing

@testable import Agent

/// What a proxy has counted that was replaced and has ended.
@Suite struct DrainingTests {
    /// No process has this number.
    private static let pid = Int32.max

    private static var quiet: Logger { Logger(label: "test") { _ in SwiftLogNoOpLogHandler() } }

    private func supervisor(_ scratch: Scratch) -> ProxySupervisor {
        let state = AgentState(agentPid: getpid(), proxyPid: nil, brokerCgroup: "", pinDirectory: "", podAddresses: [])
        let file = StateFile(path: scratch["state.json"], state: state, logger: Self.quiet)
        let surroundings = ProxySupervisor.Surroundings(hub: EventHub(), state: file, logger: Self.quiet) { _, _ in }
        return ProxySupervisor(program: nil, surroundings: surroundings)
    }

    /// One that drains, and the other end of its link.
    private func draining(_ scratch: Scratch) throws -> (ProxyConnection, FakeProxy) {
        let listener = try Listener.unix(scratch["s"], owner: 0)
        defer { close(listener) }
        let proxy = try FakeProxy(connectingTo: scratch["s"])
        let hello = ProxyHello(pid: Self.pid, version: Version.current, abi: 0, generation: 7, retiring: 60_000)
        return (ProxyConnection(pid: Self.pid, hello: hello, socket: LinkSocket(accept(listener, nil, nil))), proxy)
    }

    private func words(_ count: UInt64) -> ProxyMessage {
        var statistics = ProxyStatistics()
        statistics.refused = count
        return .report(id: ProxyReport.lastWords, .statistics(statistics))
    }

    @Test func lastWordsCountThoughTheyAreReadAfterTheEndIsSeen() async throws {
        let scratch = try Scratch()
        let supervisor = supervisor(scratch)
        let (connection, _) = try draining(scratch)
        await supervisor.link(connection)
        #expect(connection.take(words(500)))
        await supervisor.finishDraining(Self.pid, "exit 0")
        #expect(await supervisor.status.draining.map(\.pid) == [Self.pid], "its link is open")
        #expect(connection.take(words(522)))
        connection.closed()
        await supervisor.unlink(connection)
        #expect(await supervisor.status.draining.isEmpty)
        #expect(await supervisor.uncarried?.statistics.refused == 522)
        // Whatever comes twice counts once.
        await supervisor.unlink(connection)
        await supervisor.finishDraining(Self.pid, "exit 0")
        #expect(await supervisor.uncarried?.statistics.refused == 522)
    }

    @Test func aLinkThatEndsBeforeItsProcessIsWaitedForNoLonger() async throws {
        let scratch = try Scratch()
        let supervisor = supervisor(scratch)
        let (connection, _) = try draining(scratch)
        await supervisor.link(connection)
        #expect(connection.take(words(3)))
        connection.closed()
        await supervisor.unlink(connection)
        #expect(await supervisor.status.draining.map(\.pid) == [Self.pid], "it may come back")
        await supervisor.finishDraining(Self.pid, "signal 9")
        #expect(await supervisor.status.draining.isEmpty)
        #expect(await supervisor.uncarried?.statistics.refused == 3)
    }
}
