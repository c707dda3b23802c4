import Catalog
import Control
import ControlCoding
import Glibc
import Logging
import NIOPosix
import Synchronization
import Testing

@testable import Agent

@Suite struct ControlServerTests {
    /// A control server with answers of its own, served until `body` ends.
    private func serving(_ body: (FakeClient.Maker, EventHub) async throws -> Void, left: @escaping @Sendable () -> Void = {})
        async throws
    {
        let scratch = try Scratch()
        let path = scratch["control.sock"]
        let hub = EventHub()
        let answers = ControlAnswers(
            status: { StatusReport() }, models: { [ModelReport(name: "llama", source: .seen)] },
            flows: { (_, _) async throws(AgentError) in throw AgentError("the proxy does not answer") }, captures: { [] },
            clients: { [ClientReport(Client(name: "checkout"), number: 1)] }, routing: Self.routing,
            identity: Self.identity, sharing: Self.sharing,
            reload: { ReloadReport(time: "", accepted: true, generation: 2) },
            replaceProxy: { (_) async throws(AgentError) in throw AgentError("the proxy is starting, and can't be replaced now")
            },
            detach: { () async throws(AgentError) in },
            leave: left, hub: hub)
        var logger = Logger(label: "test")
        logger.logLevel = .critical
        let server = ControlServer(
            descriptor: try Listener.unix(path, owner: 0), group: MultiThreadedEventLoopGroup.singleton, answers: answers,
            logger: logger)
        let task = Task { try await server.run() }
        defer { task.cancel() }
        try await body(FakeClient.Maker(path: path), hub)
    }

    private static let identity = IdentityAnswers(
        quotas: { (selection) async throws(AgentError) in
            guard selection.client != "nobody" else { throw AgentError("there is no client nobody") }
            return [quota(7)]
        },
        reset: { (_, uid) async throws(AgentError) in [quota(uid == 5 ? 0 : 7)] },
        keys: { [KeyReport(id: "ci", client: "checkout", source: "managed", state: "active")] },
        addKey: { (request) async throws(AgentError) in
            KeyReport(id: request.id, client: request.client, source: "managed", state: "active")
        },
        revokeKey: { (id, _) async throws(AgentError) in throw AgentError("no key \(id) was made with key new") })

    private static let sharing = SharingAnswers(
        groups: { QueueView(Catalog(clients: [Client(name: "checkout")])).groups([QueueRecord(model: "m", group: "default")]) },
        queues: { () async throws(AgentError) in throw AgentError("the proxy does not answer") },
        startEngine: { (url, uid) throws(AgentError) in
            EngineReport(url: url, models: ["m"], phase: "starting", method: "exec", starts: UInt64(uid ?? 0))
        },
        stopEngine: { (url, _) throws(AgentError) in throw AgentError("no endpoint on demand has the URL \(url)") },
        engineLog: { (name, last) throws(AgentError) in
            EngineLog(url: name, lines: [String](repeating: "\u{1B}[31mx", count: last), dropped: 3)
        })

    @Test func answersAboutGroupsQueuesAndEngines() async throws {
        try await serving { make, _ in
            let client = try make()
            client.send("{\"command\":\"groups\"}\n{\"command\":\"group\",\"name\":\"x\"}\n{\"command\":\"queues\"}\n")
            guard case .success(let groups) = try await client.answer([GroupReport].self) else {
                Issue.record("no groups")
                return
            }
            #expect(groups.map(\.name) == ["default"])
            #expect(groups.first?.clients == ["checkout"] && groups.first?.queues.map(\.model) == ["m"])
            #expect(try await client.answer(GroupReport.self) == .failure("there is no group x"))
            #expect(try await client.answer([QueueReport].self) == .failure("the proxy does not answer"))
            client.send("{\"command\":\"start-engine\",\"url\":\"http://a\",\"uid\":5}\n")
            guard case .success(let engine) = try await client.answer(EngineReport.self) else {
                Issue.record("not started")
                return
            }
            #expect(engine.starts == 5 && engine.phase == "starting")
            client.send("{\"command\":\"stop-engine\",\"url\":\"http://b\"}\n")
            #expect(try await client.answer(EngineReport.self) == .failure("no endpoint on demand has the URL http://b"))
            client.send("{\"command\":\"engine-log\",\"name\":\"m\",\"last\":2}\n")
            #expect(
                try await client.answer(EngineLog.self)
                    == .success(EngineLog(url: "m", lines: ["\u{1B}[31mx", "\u{1B}[31mx"], dropped: 3)))
        }
    }

    private static func quota(_ used: UInt64) -> QuotaReport {
        QuotaReport(
            client: "checkout", period: "day", unit: "tokens", limit: 10, used: used, alertAt: 80, onExhausted: "reject",
            resets: "2026-11-22T00:00:00.000Z")
    }

    @Test func answersAboutClientsQuotasAndKeys() async throws {
        try await serving { make, _ in
            let client = try make()
            client.send("{\"command\":\"client\",\"name\":\"checkout\"}\n{\"command\":\"client\",\"name\":\"x\"}\n")
            guard case .success(let report) = try await client.answer(ClientReport.self) else {
                Issue.record("no client")
                return
            }
            #expect(report.name == "checkout")
            #expect(try await client.answer(ClientReport.self) == .failure("there is no client x"))
            client.send("{\"command\":\"quotas\",\"selection\":{}}\n")
            #expect(try await client.answer([QuotaReport].self) == .success([Self.quota(7)]))
            client.send("{\"command\":\"quotas\",\"selection\":{\"client\":\"nobody\"}}\n")
            #expect(try await client.answer([QuotaReport].self) == .failure("there is no client nobody"))
            client.send("{\"command\":\"reset-quotas\",\"selection\":{\"client\":\"checkout\"},\"uid\":5}\n")
            #expect(try await client.answer([QuotaReport].self) == .success([Self.quota(0)]))
            client.send("{\"command\":\"keys\"}\n{\"command\":\"revoke-key\",\"id\":\"gone\"}\n")
            guard case .success(let keys) = try await client.answer([KeyReport].self) else {
                Issue.record("no keys")
                return
            }
            #expect(keys.map(\.id) == ["ci"])
            #expect(try await client.answer(KeyReport.self) == .failure("no key gone was made with key new"))
            client.send(
                "{\"command\":\"add-key\",\"key\":{\"client\":\"checkout\",\"id\":\"n\",\"salt\":\"00\",\"digest\":\"00\"}}\n")
            guard case .success(let added) = try await client.answer(KeyReport.self) else {
                Issue.record("not added")
                return
            }
            #expect(added.id == "n")
        }
    }

    private static let routing = RoutingAnswers(
        endpoints: { [EndpointReport(model: "llama", url: "http://a", address: nil, state: .unknown)] }, pools: { [] },
        capabilities: { [CapabilityReport(path: "a.b")] },
        drain: { (url, isDrained, _) async throws(AgentError) in
            guard url == "http://a" else { throw AgentError("no endpoint has the URL \(url)") }
            return DrainReport(url: url, isDrained: isDrained, isChanged: true, models: ["llama"])
        },
        rotate: { (name, _) async throws(AgentError) in RotationReport(name: name, from: "http://a", to: "http://b") },
        explain: { (request) async throws(AgentError) in
            ExplainReport(RouteDecision(kind: "pool", name: request.model), model: request.model)
        })

    @Test func answersAboutPoolsAndEndpoints() async throws {
        try await serving { make, _ in
            let client = try make()
            client.send("{\"command\":\"endpoints\"}\n{\"command\":\"pools\"}\n{\"command\":\"pool\",\"name\":\"x\"}\n")
            guard case .success(let endpoints) = try await client.answer([EndpointReport].self) else {
                Issue.record("no endpoints")
                return
            }
            #expect(endpoints.map(\.state) == [.unknown])
            #expect(try await client.answer([PoolReport].self) == .success([]))
            #expect(try await client.answer(PoolReport.self) == .failure("there is no pool x"))
            client.send("{\"command\":\"drain\",\"url\":\"http://a\"}\n{\"command\":\"enable\",\"url\":\"http://b\"}\n")
            #expect(
                try await client.answer(DrainReport.self)
                    == .success(DrainReport(url: "http://a", isDrained: true, isChanged: true, models: ["llama"])))
            #expect(try await client.answer(DrainReport.self) == .failure("no endpoint has the URL http://b"))
            client.send("{\"command\":\"rotate\",\"name\":\"chat\"}\n{\"command\":\"capabilities\"}\n")
            #expect(
                try await client.answer(RotationReport.self)
                    == .success(RotationReport(name: "chat", from: "http://a", to: "http://b")))
            #expect(try await client.answer([CapabilityReport].self) == .success([CapabilityReport(path: "a.b")]))
            client.send("{\"command\":\"explain\",\"request\":{\"model\":\"chat\",\"headers\":[]}}\n")
            guard case .success(let explained) = try await client.answer(ExplainReport.self) else {
                Issue.record("not explained")
                return
            }
            #expect(explained.kind == "pool" && explained.name == "chat")
        }
    }

    @Test func showsDecisionsToWhoAsksForThem() async throws {
        try await serving { make, hub in
            let client = try make()
            client.send("{\"command\":\"events\",\"follow\":true,\"last\":1,\"level\":\"debug\"}\n")
            hub.publish(EventReport(time: "", kind: .reloaded))
            _ = try await client.event()
            hub.publish(EventReport(time: "", kind: .decision, detail: "chat -> a"))
            #expect(try await client.event().detail == "chat -> a")
        }
    }

    @Test func answersOnOneConnection() async throws {
        try await serving { make, _ in
            let client = try make()
            client.send("{\"command\":\"status\"}\n{\"command\":\"reload\"}\n")
            #expect(try await client.answer(StatusReport.self) == .success(StatusReport()))
            #expect(try await client.answer(ReloadReport.self) == .success(ReloadReport(time: "", accepted: true, generation: 2)))
            client.send("{\"command\":\"model\",\"na")
            client.send("me\":\"llama\"}\n")
            #expect(try await client.answer(ModelReport.self) == .success(ModelReport(name: "llama", source: .seen)))
            client.send("{\"command\":\"model\",\"name\":\"x\"}\n{\"command\":\"flows\"}\n")
            #expect(try await client.answer(ModelReport.self) == .failure("nobody knows a model x"))
            #expect(try await client.answer([FlowReport].self) == .failure("the proxy does not answer"))
        }
    }

    @Test(arguments: ["\n", "nonsense\n", "{}\n", "[]\n", "{\"command\":\"rm\"}\n", "{\"command\":\"model\"}\n", "\u{0}\n"])
    func saysWhatIsWrongAndGoesOn(line: String) async throws {
        try await serving { make, _ in
            let client = try make()
            client.send(line + "{\"command\":\"captures\"}\n")
            guard case .failure = try await client.answer([CaptureReport].self) else {
                Issue.record("it was taken for a request")
                return
            }
            #expect(try await client.answer([CaptureReport].self) == .success([]))
        }
    }

    @Test(arguments: [true, false]) func refusesAnEndlessLine(ended: Bool) async throws {
        try await serving { make, _ in
            let client = try make()
            client.send(String(repeating: "x", count: ControlLine.maximumRequest) + (ended ? "\n" : ""))
            guard case .failure(let reason) = try await client.answer(StatusReport.self) else {
                Issue.record("it was taken for a request")
                return
            }
            #expect(reason.contains("65536"))
            #expect(try await client.line() == nil)
        }
    }

    @Test func showsPastEventsAndCloses() async throws {
        try await serving { make, hub in
            for number in 0..<3 { hub.publish(EventReport(time: "", kind: EventReport.Kind(rawValue: "k\(number)"))) }
            let client = try make()
            client.send("{\"command\":\"events\",\"last\":2}\n")
            #expect(try await client.event().kind.rawValue == "k1")
            #expect(try await client.event().kind.rawValue == "k2")
            #expect(try await client.line() == nil)
        }
    }

    @Test func followsEvents() async throws {
        try await serving { make, hub in
            hub.publish(EventReport(time: "", kind: EventReport.Kind(rawValue: "before")))
            let client = try make()
            client.send("{\"command\":\"events\",\"follow\":true,\"last\":1}\n")
            #expect(try await client.event().kind.rawValue == "before")
            hub.publish(EventReport(time: "", kind: EventReport.Kind(rawValue: "after")))
            #expect(try await client.event().kind.rawValue == "after")
            hub.close()
            #expect(try await client.line() == nil)
        }
    }

    @Test func letsASlowFollowerGoAndTellsIt() async throws {
        try await serving { make, hub in
            let client = try make()
            client.send("{\"command\":\"events\",\"follow\":true,\"last\":1}\n")
            hub.publish(EventReport(time: "", kind: EventReport.Kind(rawValue: "first")))
            _ = try await client.event()
            let padding = String(repeating: "x", count: 4096)
            for number in 0..<8192 {
                hub.publish(EventReport(time: "", kind: EventReport.Kind(rawValue: "k\(number)"), detail: padding))
            }
            var last: [UInt8] = []
            while let line = try await client.line() { last = line }
            let end = try ControlLine.decode(ControlResponse<EventReport>.self, from: last)
            #expect(end == .failure("events were left out: this reader is too slow"))
        }
    }

    @Test func leavesAfterTheAnswerToDetach() async throws {
        let left = Mutex(false)
        try await serving { make, _ in
            let client = try make()
            client.send("{\"command\":\"detach\"}\n")
            #expect(try await client.answer(DetachReport.self) == .success(DetachReport(pid: getpid())))
            #expect(try await client.line() == nil)
            #expect(await eventually { left.withLock { $0 } })
        } left: {
            left.withLock { $0 = true }
        }
    }

    @Test func servesManyAndTurnsTheNextAway() async throws {
        try await serving { make, _ in
            var clients: [FakeClient] = []
            for _ in 0..<64 {
                let client = try make()
                client.send("{\"command\":\"captures\"}\n")
                #expect(try await client.answer([CaptureReport].self) == .success([]))
                clients.append(client)
            }
            let refused = try make()
            #expect(try await refused.answer(StatusReport.self) == .failure("too many clients; try again when some are gone"))
            #expect(try await refused.line() == nil)
        }
    }
}

/// A client of the control socket: blocking, with a limit on every read.
final class FakeClient {
    struct Maker {
        let path: String
        func callAsFunction() throws -> FakeClient { FakeClient(try FakeProxy(connectingTo: path)) }
    }

    private let socket: FakeProxy
    private var pending: [UInt8] = []

    private init(_ socket: FakeProxy) { self.socket = socket }

    func send(_ text: String) { socket.sendRaw(Array(text.utf8)) }

    /// The next line without its newline; nil at the end.
    func line() async throws -> [UInt8]? {
        while true {
            if let end = pending.firstIndex(of: UInt8(ascii: "\n")) {
                defer { pending.removeSubrange(...end) }
                return Array(pending[..<end])
            }
            let chunk = try await blocking { [socket] in
                var chunk = [UInt8](repeating: 0, count: 64 << 10)
                return Array(chunk[..<max(0, recv(socket.descriptor, &chunk, chunk.count, 0))])
            }
            guard !chunk.isEmpty else { return nil }
            pending += chunk
        }
    }

    func answer<Payload: Decodable & Sendable>(_ type: Payload.Type) async throws -> ControlResponse<Payload> {
        try ControlLine.decode(ControlResponse<Payload>.self, from: try #require(try await line()))
    }

    func event() async throws -> EventReport {
        guard case .success(let event) = try await answer(EventReport.self) else { throw AgentError("no event") }
        return event
    }
}
