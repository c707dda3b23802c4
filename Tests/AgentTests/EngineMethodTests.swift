import Catalog
import Control
import Glibc
import KernelPlane
import Logging
import Synchronization
import Testing

@testable import Agent

/// Servers that are started otherwise than as a program, and those that only tell how busy they are.
@Suite(.serialized) struct EngineMethodTests: EngineSuite {
    @Test func hooksStartAndStop() async throws {
        let place = try Place()
        let hook = try FakeServer(FakeServer.http(204))
        let server = try FakeServer(.nothing)
        let key = key(server)
        let keeper = place.keeper()
        let base = "http://\(hook.address)"
        try await blocking { keeper.adopt(catalog(server, .http(start: base + "/start?m=1", stop: base + "/stop"))) }
        try await running(keeper) {
            // Once it is known that nothing runs there.
            #expect(await eventually { !server.requests.isEmpty })
            #expect(place.phase(key) == .asleep)
            try await blocking { keeper.want([key]) }
            #expect(await eventually { hook.requests.count == 1 })
            #expect(hook.requests.first?.hasPrefix("POST /start?m=1 HTTP/1.1\r\n") == true)
            #expect(place.phase(key) == .starting)
            server.answer(FakeServer.http(200))
            #expect(await eventually { place.phase(key) == .ready })
            keeper.state.withLock { $0.linked = 0 }
            _ = try await blocking { try keeper.stop(key.url, by: nil) }
            #expect(await eventually { hook.requests.count == 2 })
            #expect(place.phase(key) == .stopping, "it still answers")
            server.answer(.nothing)
            #expect(await eventually { place.phase(key) == .asleep })
            hook.answer(FakeServer.http(500))
            try await blocking { keeper.want([key]) }
            #expect(await eventually { place.phase(key) == .failed })
            #expect(keeper.reports.first?.fault == "\(base)/start?m=1: status 500")
            #expect(throws: AgentError.self) { try keeper.log("m", last: 1) }
        }
    }

    @Test func whatRunsAlreadyIsFound() async throws {
        let place = try Place()
        let server = try FakeServer(FakeServer.http(200))
        let key = key(server)
        let keeper = place.keeper()
        try await blocking { keeper.adopt(catalog(server, .http(start: "http://127.0.0.1:1/", stop: nil))) }
        try await running(keeper) {
            #expect(await eventually { place.phase(key) == .ready })
            #expect(place.kinds == [])
        }
    }

    @Test func unitsAreStartedWithSystemctl() async throws {
        let place = try Place()
        let server = try FakeServer(.nothing)
        let key = key(server)
        let log = place.scratch["calls"]
        _ = try place.script(
            "echo \"$@\" >> \(log); [ -e \(place.scratch["broken"]) ] && { echo 'Unit x not found.' >&2; exit 5; }; exit 0",
            "systemctl")
        let keeper = place.keeper(
            EngineHooks(systemctl: Systemctl(path: "relative:\(place.scratch["none"]):\(place.scratch.path):/usr/bin")))
        try await blocking { keeper.adopt(catalog(server, .unit("vllm@llama.service"))) }
        try await running(keeper) {
            #expect(await eventually { !server.requests.isEmpty })
            try await blocking { keeper.want([key]) }
            #expect(await eventually { (try? File.text(log)) == "--no-ask-password start vllm@llama.service\n" })
            server.answer(FakeServer.http(200))
            #expect(await eventually { place.phase(key) == .ready })
            keeper.state.withLock { $0.linked = 0 }
            _ = try await blocking { try keeper.stop(key.url, by: nil) }
            #expect(await eventually { place.phase(key) == .asleep })
            #expect(try File.text(log).hasSuffix("--no-ask-password stop vllm@llama.service\n"))
            try place.scratch.write("", to: "broken")
            server.answer(.nothing)
            try await blocking { keeper.want([key]) }
            #expect(await eventually { place.phase(key) == .failed })
            #expect(keeper.reports.first?.fault == "systemctl start vllm@llama.service: Unit x not found.")
        }
    }

    @Test func withoutSystemctlThatIsSaid() async throws {
        let scratch = try Scratch()
        #expect(throws: AgentError("there is no systemctl on this node: the unit x cannot be started")) {
            try Systemctl(path: "\(scratch.path):").run(.start, "x", limit: 100)
        }
        try File.replace(scratch["systemctl"], with: Array("#!/bin/sh\nexec sleep 1000\n".utf8), mode: 0o755)
        let slow = Systemctl(path: scratch.path)
        await #expect(throws: AgentError("systemctl did not end in time")) {
            try await blocking { try slow.run(.stop, "x", limit: 100) }
        }
        #expect(throws: AgentError("--force is not the name of a unit")) { try slow.run(.stop, "--force", limit: 100) }
    }

    @Test func loadsAreToldAndForgotten() async throws {
        let place = try Place()
        let server = try FakeServer(FakeServer.http(200, "vllm:num_requests_running 3\nvllm:num_requests_waiting 1\n"))
        let keeper = place.keeper()
        let endpoint = Endpoint(
            host: "127.0.0.1", port: server.address.port, authority: "\(server.address)", addresses: [server.address],
            metrics: EngineMetrics(period: 100, staleAfter: 500))
        try await blocking { keeper.adopt(Catalog(models: [Model(name: "m", endpoints: [endpoint])])) }
        try await running(keeper) {
            #expect(await eventually { place.heard.withLock { $0.loads } == [key(server): 4] })
            #expect(server.requests.first?.hasPrefix("GET /metrics HTTP/1.1\r\n") == true)
            server.answer(FakeServer.http(200, String(repeating: "x", count: 4 << 20)))
            #expect(await eventually { place.heard.withLock { $0.loads } == [:] }, "what is too long says nothing")
            server.answer(FakeServer.http(200, "sglang:num_running_reqs 2\n"))
            #expect(await eventually { place.heard.withLock { $0.loads } == [key(server): 2] })
            #expect(place.kinds == [])
        }
    }
}
