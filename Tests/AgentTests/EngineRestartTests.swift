import Catalog
import Control
import Glibc
import KernelPlane
import Logging
import Synchronization
import Testing

@testable import Agent

/// Servers that an agent finds when it starts: those of a former one.
@Suite(.serialized) struct EngineRestartTests: EngineSuite {
    @Test func runsOnOverARestart() async throws {
        let place = try Place()
        let server = try FakeServer(FakeServer.http(200))
        let key = key(server)
        let text = "i=0; while :; do i=$((i+1)); echo \"line $i\"; sleep 0.02; done"
        let catalog = catalog(server, .exec(EngineProgram(command: [try place.script(text)], user: "nobody")))
        var pid: Int32?
        var before = 0
        do {
            let first = place.keeper()
            try await blocking { first.adopt(catalog) }
            let task = Task { try await first.run() }
            try await blocking { first.want([key]) }
            #expect(await eventually { place.phase(key) == .ready })
            pid = first.reports.first?.pid
            #expect(await eventually { (try? first.log("m", last: 1).lines)?.isEmpty == false })
            task.cancel()
            try? await task.value
            before = try first.log("m", last: .max).lines.count
        }
        let left = try #require(pid)
        #expect(place.place.processes(1).contains(left), "it runs on")
        place.heard.withLock { $0 = .init() }
        let second = place.keeper()
        try await blocking { second.adopt(catalog) }
        #expect(place.phase(key) == .ready, "at once")
        #expect(second.reports.first?.pid == pid && second.reports.first?.starts == 1)
        try await running(second) {
            #expect(
                try await eventually { try second.log("m", last: .max).lines.count > before + 1 }, "what it writes is heard again"
            )
            second.state.withLock { $0.linked = 0 }
            _ = try await blocking { try second.stop(key.url, by: nil) }
            #expect(await eventually { place.place.numbers == [] && place.phase(key) == .asleep })
            #expect(place.kinds == [.engineStopping, .engineStopped])
        }
        // What all of them wrote is there for the next one, and goes with the endpoint.
        let lines = try second.log("m", last: .max).lines
        #expect(lines.first == "line 1" && lines.count > before)
        let third = place.keeper()
        try await blocking { third.adopt(catalog) }
        #expect(try third.log("m", last: .max).lines == lines)
        try await blocking { place.keeper().adopt(Catalog()) }
        let fourth = place.keeper()
        try await blocking { fourth.adopt(catalog) }
        #expect(try fourth.log("m", last: .max).lines == [])
    }

    @Test func whatItWritesAtItsEndIsKept() async throws {
        let place = try Place()
        let server = try FakeServer(FakeServer.http(200))
        let key = key(server)
        let keeper = place.keeper()
        let text = """
            trap 'i=0; while [ $i -lt 2000 ]; do i=$((i+1)); echo "bye $i"; done; printf "at last"; exit 0' TERM
            echo up
            while :; do sleep 0.05; done
            """
        let program = EngineProgram(command: [try place.script(text)], user: "nobody")
        try await blocking { keeper.adopt(catalog(server, .exec(program))) }
        try await running(keeper) {
            try await blocking { keeper.want([key]) }
            // Once it has set its trap.
            #expect(await eventually { place.phase(key) == .ready && (try? keeper.log("m", last: 1).lines) == ["up"] })
            keeper.state.withLock { $0.linked = 0 }
            _ = try await blocking { try keeper.stop(key.url, by: nil) }
            #expect(await eventually { place.kinds.last == .engineStopped })
            #expect(try keeper.log("m", last: 2).lines == ["bye 2000", "at last"])
            // The shell may have a word of its own.
            #expect(try keeper.log("m", last: .max).lines.count { $0.hasPrefix("bye ") } == 2000)
        }
    }

    @Test func whatNobodyKnowsIsKilled() async throws {
        let place = try Place()
        let server = try FakeServer(FakeServer.http(200))
        let first = place.keeper()
        try await blocking { first.adopt(catalog(server, .exec(EngineProgram(command: [try place.script(Self.long)])))) }
        try await blocking { first.want([key(server)]) }
        #expect(!place.place.processes(1).isEmpty)
        let second = place.keeper()
        try await blocking { second.adopt(Catalog()) }
        #expect(await eventually { place.place.numbers == [] })
    }

    @Test func anotherProgramReplacesTheFormer() async throws {
        let place = try Place()
        let server = try FakeServer(FakeServer.http(200))
        let key = key(server)
        let keeper = place.keeper()
        try await blocking { keeper.adopt(catalog(server, .exec(EngineProgram(command: [try place.script(Self.long)])))) }
        try await running(keeper) {
            try await blocking { keeper.want([key]) }
            #expect(await eventually { place.phase(key) == .ready })
            keeper.state.withLock { $0.linked = 0 }
            try await blocking {
                keeper.adopt(
                    catalog(server, .exec(EngineProgram(command: [try place.script("echo new; exec sleep 1000", "new")]))))
            }
            #expect(place.phase(key) == .stopping)
            #expect(
                try await eventually {
                    try await blocking { keeper.want([key]) }
                    return place.phase(key) == .ready && (try? keeper.log("m", last: 1).lines) == ["new"]
                })
            await keeper.retire(limit: .seconds(5))
        }
    }
}
