import Catalog
import Control
import Glibc
import KernelPlane
import Logging
import Synchronization
import Testing

@testable import Agent

/// Servers on demand as real processes in cgroups of the test's own: how each lives and ends.
@Suite(.serialized) struct EngineKeeperTests: EngineSuite {
    @Test func startsOnceLogsAndStops() async throws {
        let place = try Place()
        let server = try FakeServer(FakeServer.http(200))
        let key = key(server)
        let keeper = place.keeper()
        let program = EngineProgram(command: [try place.script(Self.long)], user: "nobody")
        try await blocking { keeper.adopt(catalog(server, .exec(program), idle: 300)) }
        #expect(place.phase(key) == .asleep)
        try await running(keeper) {
            try await blocking { for _ in 0..<100 { keeper.want([key]) } }
            #expect(await eventually { place.phase(key) == .ready })
            #expect(await eventually { place.place.processes(1).count == 1 }, "its script runs `id` for a moment")
            let uid = try Account.find("nobody").uid
            #expect(await eventually { (try? keeper.log("m", last: 10).lines) == ["up as \(uid)"] })
            #expect(try keeper.log(key.url, last: 0).lines == [])
            #expect(keeper.reports.first?.pid == place.place.processes(1).first)
            // No proxy is there, and none has been for long enough.
            keeper.state.withLock { $0.linked = 0 }
            #expect(await eventually { place.phase(key) == .asleep })
            #expect(place.kinds == [.engineStarting, .engineReady, .engineStopping, .engineStopped])
            #expect(place.place.numbers == [])
            #expect(place.heard.withLock { $0.events.allSatisfy { $0.model == "m" && $0.address == "\(server.address)" } })
            #expect(try keeper.log("m", last: 10).lines.count == 1, "what it wrote stays")
        }
    }

    @Test func hasNoCapabilityNotEvenAsRoot() async throws {
        let place = try Place()
        let server = try FakeServer(FakeServer.http(200))
        let keeper = place.keeper()
        let text =
            "grep -e Cap -e NoNew /proc/$$/status; grep 0:: /proc/$$/cgroup; pwd; echo $A $HOME; echo bad >&2; exec sleep 1000"
        let program = EngineProgram(command: [try place.script(text)], environment: ["A": "b c"], directory: "/usr")
        try await blocking { keeper.adopt(catalog(server, .exec(program))) }
        try await running(keeper) {
            try await blocking { keeper.want([key(server)]) }
            #expect(await eventually { (try? keeper.log("m", last: 100).lines.last) == "bad" })
            let lines = try keeper.log("m", last: 100).lines.map { $0.replacing("\t", with: " ") }
            for set in ["CapInh", "CapPrm", "CapEff", "CapAmb"] { #expect(lines.contains("\(set): 0000000000000000")) }
            #expect(lines.contains("NoNewPrivs: 1"))
            #expect(lines.contains { $0.hasSuffix("/engines/1") })
            #expect(lines.suffix(3) == ["/usr", "b c /", "bad"])
            await keeper.retire(limit: .seconds(5))
            #expect(place.place.numbers == [] && !File.exists(place.place.directory))
        }
    }

    @Test func aCrashIsToldAndMadeGood() async throws {
        let place = try Place()
        let server = try FakeServer(FakeServer.http(200))
        let key = key(server)
        let keeper = place.keeper()
        try await blocking {
            keeper.adopt(
                catalog(server, .exec(EngineProgram(command: [try place.script("sleep 1000 & sleep 1000")], user: "nobody"))))
        }
        try await running(keeper) {
            try await blocking { keeper.want([key]) }
            #expect(await eventually { place.phase(key) == .ready && place.place.processes(1).count == 3 })
            let pid = try #require(keeper.reports.first?.pid)
            #expect(kill(pid, SIGKILL) == 0)
            #expect(await eventually { place.kinds.contains(.engineCrashed) })
            #expect(place.phase(key) == .starting)
            #expect(await eventually { place.phase(key) == .ready && keeper.reports.first?.pid != pid })
            #expect(place.place.numbers.flatMap(place.place.processes).count <= 3, "what it had started is gone")
            #expect(keeper.reports.first?.crashes == 1 && keeper.reports.first?.starts == 2)
            await keeper.retire(limit: .seconds(5))
        }
    }

    @Test func whatCannotBeStartedFailsForAWhile() async throws {
        let place = try Place()
        let server = try FakeServer(FakeServer.http(200))
        let key = key(server)
        let keeper = place.keeper()
        try await blocking { keeper.adopt(catalog(server, .exec(EngineProgram(command: ["/nonexistent/engine"])))) }
        try await blocking { keeper.want([key]) }
        #expect(place.phase(key) == .failed)
        let now = Clocks.epochMilliseconds()
        let retry = place.heard.withLock { $0.standings[key]?.retryAt ?? 0 }
        #expect(retry > now && retry <= now + 1000)
        #expect(
            place.heard.withLock {
                $0.events.last?.detail?.hasSuffix("/nonexistent/engine: cannot be executed: No such file or directory")
            } == true)
        #expect(place.place.numbers == [])
        try await blocking {
            keeper.adopt(catalog(server, .exec(EngineProgram(command: ["/bin/true"], user: "mb-no-such-user"))))
        }
        #expect(throws: AgentError.self) { try keeper.start("http://elsewhere", by: nil) }
        let report = try await blocking { try keeper.start(key.url, by: 7) }
        #expect(report.phase == "failed" && report.fault?.hasPrefix("there is no user mb-no-such-user") == true)
    }

    @Test func oneThatDoesNotGetReadyIsStopped() async throws {
        let place = try Place()
        let server = try FakeServer(FakeServer.http(503))
        let key = key(server)
        let keeper = place.keeper()
        try await blocking {
            keeper.adopt(catalog(server, .exec(EngineProgram(command: [try place.script(Self.long)])), ready: 300))
        }
        try await running(keeper) {
            try await blocking { keeper.want([key]) }
            #expect(await eventually { place.kinds.contains(.engineFailed) })
            #expect(await eventually { place.place.numbers == [] })
            #expect(place.kinds.first == .engineStarting && !place.kinds.contains(.engineReady))
        }
    }

    @Test func whoDoesNotListenIsKilled() async throws {
        let place = try Place()
        let server = try FakeServer(FakeServer.http(200))
        let key = key(server)
        let keeper = place.keeper()
        let deaf = "trap '' TERM; while :; do sleep 1; done"
        try await blocking {
            keeper.adopt(catalog(server, .exec(EngineProgram(command: [try place.script(deaf)], user: "nobody")), stop: 300))
        }
        try await running(keeper) {
            try await blocking { keeper.want([key]) }
            #expect(await eventually { place.phase(key) == .ready })
            _ = try await blocking { try keeper.stop(key.url, by: 3) }
            #expect(place.phase(key) == .stopping)
            #expect(place.heard.withLock { $0.events.last?.detail } == "by uid 3: \(key.url): by hand")
            keeper.state.withLock { $0.linked = 0 }
            #expect(await eventually { place.phase(key) == .asleep && place.place.numbers == [] })
        }
    }

    @Test func twoOfASetTakeTurns() async throws {
        let place = try Place()
        let servers = [try FakeServer(FakeServer.http(200)), try FakeServer(FakeServer.http(200))]
        let program = EngineProgram(command: [try place.script("exec sleep 1000")], user: "nobody")
        let keeper = place.keeper()
        let models = servers.enumerated().flatMap { catalog($1, .exec(program), model: "m\($0)", set: "gpu").models }
        try await blocking { keeper.adopt(Catalog(models: models)) }
        try await running(keeper) {
            keeper.state.withLock { $0.linked = 0 }
            for turn in 0..<4 {
                let (here, there) = (key(servers[turn % 2]), key(servers[(turn + 1) % 2]))
                var most = 0
                let isReady = try await eventually {
                    try await blocking { keeper.want([here]) }
                    most = max(most, place.place.numbers.count { !place.place.processes($0).isEmpty })
                    return place.phase(here) == .ready
                }
                #expect(isReady && most == 1)
                #expect(place.phase(there) != .ready)
            }
            await keeper.retire(limit: .seconds(5))
        }
    }
}
