import Catalog
import Control
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
            clients: { [ClientReport(Client(name: "checkout"), number: 1)] },
            reload: { ReloadReport(time: "", accepted: true, generation: 2) }, detach: { () async throws(AgentError) in },
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

/// A client of the control socket: blocking, with a limit of ten seconds on every read.
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
