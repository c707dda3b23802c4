import Catalog
import Control
import Glibc
import KernelPlane
import Logging
import Synchronization
import Testing

@testable import Agent

/// Servers on demand as real processes in cgroups of the test's own. Needs root and cgroup v2.
@Suite(.serialized) struct EngineKeeperTests {
    /// A keeper, what it told, and a server's program: a shell script that writes, and waits for its end.
    private final class Place: Sendable {
        struct Heard {
            var standings: [EndpointKey: EngineStanding] = [:]
            var loads: [EndpointKey: UInt32] = [:]
            var events: [EventReport] = []
        }

        let scratch: Scratch
        let broker: String
        let heard = Mutex(Heard())

        init() throws {
            scratch = try Scratch()
            chmod(scratch.path, 0o755)
            let mount = try #require(HostFacts.cgroup2Mount(), "cgroup v2 is not mounted")
            broker = mount + "/mb-agent-engine-\(getpid())-\(UInt32.random(in: 0 ... .max))"
            try #require(mkdir(broker, 0o755) == 0)
        }

        deinit {
            try? File.write("1", into: broker + "/cgroup.kill")
            let place = EnginePlace(brokerCgroup: broker, runDirectory: scratch.path)
            for number in place.numbers { place.clear(number) }
            place.leave()
            while rmdir(broker) != 0, errno == EBUSY { usleep(1000) }
        }

        var place: EnginePlace { EnginePlace(brokerCgroup: broker, runDirectory: scratch.path) }

        /// Every call is another agent.
        func keeper(_ hooks: EngineHooks = EngineHooks()) -> EngineKeeper {
            var logger = Logger(label: "test")
            logger.logLevel = .critical
            return EngineKeeper(
                place: place, hooks: hooks,
                audience: EngineKeeper.Audience(
                    standings: { new in self.heard.withLock { $0.standings = new } },
                    loads: { new in self.heard.withLock { $0.loads = new.mapValues(\.load) } },
                    event: { event in self.heard.withLock { $0.events.append(event) } }),
                logger: logger)
        }

        func script(_ text: String, _ name: String = "engine") throws -> String {
            try File.replace(scratch[name], with: Array("#!/bin/sh\n\(text)\n".utf8), mode: 0o755)
            return scratch[name]
        }

        func phase(_ key: EndpointKey) -> EnginePhase? { heard.withLock { $0.standings[key]?.phase } }

        var kinds: [EventReport.Kind] { heard.withLock { $0.events.map(\.kind) } }
    }

    private static let long = "echo \"up as $(id -u)\"; exec sleep 1000"

    private func catalog(
        _ server: FakeServer, _ method: Activation.Method, model: String = "m", idle: Int? = nil, set: String? = nil,
        ready: Int = 5000, stop: Int = 5000
    ) -> Catalog {
        let activation = Activation(method: method, readyTimeout: ready, idleAfter: idle, stopTimeout: stop, oneOf: set)
        let endpoint = Endpoint(
            host: "127.0.0.1", port: server.address.port, authority: "\(server.address)", addresses: [server.address],
            activation: activation)
        return Catalog(models: [Model(name: model, endpoints: [endpoint])])
    }

    private func key(_ server: FakeServer) -> EndpointKey {
        EndpointKey(url: "http://\(server.address)", address: server.address)
    }

    private func running(_ keeper: EngineKeeper, _ body: () async throws -> Void) async throws {
        let task = Task { try await keeper.run() }
        let result: Result<Void, any Error>
        do { result = .success(try await body()) } catch { result = .failure(error) }
        // It holds what is taken away behind the test.
        task.cancel()
        _ = await task.result
        try result.get()
    }

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
            #expect(place.place.processes(1).count == 1)
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

/// What is under way at a proxy.
@Suite struct EngineDrainTests {
    @Test func nothingEndsWithRequestsUnderWay() async throws {
        let scratch = try Scratch()
        let path = scratch["proxy.sock"]
        var logger = Logger(label: "test")
        logger.logLevel = .critical
        let events = Mutex<[EventReport.Kind]>([])
        let server = try FakeServer(FakeServer.http(200))
        let hook = try FakeServer(FakeServer.http(200))
        let keeper = EngineKeeper(
            place: EnginePlace(brokerCgroup: scratch["cgroup"], runDirectory: scratch.path),
            audience: EngineKeeper.Audience(
                standings: { _ in }, loads: { _ in }, event: { event in events.withLock { $0.append(event.kind) } }),
            logger: logger)
        let link = ProxyLinkServer(
            listener: try Listener.unix(path, owner: 0),
            admission: ProxyAdmission(uid: geteuid(), brokerCgroup: "/broker", cgroupOf: { _ in "/broker/proxy" }),
            handler: ProxyLinkServer.Handler(
                connected: { keeper.linked($0) }, disconnected: { keeper.unlinked($0) }, event: { _ in },
                wanted: { keeper.want($0) }, refused: { _ in }), logger: logger)
        try link.start()
        defer { link.stop() }
        let proxy = try FakeProxy(connectingTo: path)
        proxy.hello(generation: 4)
        let key = EndpointKey(url: "http://\(server.address)", address: server.address)
        try await blocking {
            keeper.adopt(
                Catalog(models: [
                    Model(
                        name: "m",
                        endpoints: [
                            Endpoint(
                                host: "127.0.0.1", port: server.address.port, authority: "\(server.address)",
                                addresses: [server.address],
                                activation: Activation(
                                    method: .http(start: "http://\(hook.address)/start", stop: "http://\(hook.address)/stop")))
                        ])
                ]))
        }
        let task = Task { try await keeper.run() }
        defer { task.cancel() }
        #expect(await eventually { keeper.phases[key.url] == .ready }, "it runs already")
        _ = try await blocking { try keeper.stop(key.url, by: nil) }
        // Two of one model, one of another at the same server: it ends when all have.
        for inFlight in [[2, 1], [0, 1], [0, 0], [1, 0], [0, 0]] as [[UInt64]] {
            #expect(events.withLock { $0 } == [.engineStopping] && hook.requests.isEmpty)
            guard case .query(let id, .routing) = try await proxy.hear()?.message else {
                Issue.record("no question came")
                return
            }
            let records = inFlight.enumerated().map { EndpointRecord(model: "m\($0)", key: key, inFlight: $1) }
            proxy.say(.report(id: id, .routing(records, [])))
        }
        guard case .query(let id, .routing) = try await proxy.hear()?.message else {
            Issue.record("no question came")
            return
        }
        #expect(hook.requests.isEmpty)
        proxy.say(.report(id: id, .routing([], [])))
        #expect(await eventually { hook.requests.first?.hasPrefix("POST /stop ") == true })
        server.answer(.nothing)
        #expect(await eventually { keeper.phases[key.url] == .asleep })
        proxy.say(.wanted([key]))
        #expect(await eventually { hook.requests.last?.hasPrefix("POST /start ") == true })
    }

    @Test func aProxyThatDoesNotAnswerIsNoReasonToEndAnything() async throws {
        var machine = EngineMachine()
        _ = machine.adopt(["a": EngineTerms(readyTimeout: 1, stopTimeout: 1)], now: 0)
        machine.found("a", isReady: true, now: 0)
        _ = machine.dismiss("a", now: 0)
        for second in 1...100 { #expect(machine.tick(UInt64(second) * 1_000_000_000) == []) }
    }
}
