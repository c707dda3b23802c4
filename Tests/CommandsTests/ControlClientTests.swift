import Commands
import Control
import Glibc
import Synchronization
import Testing

/// The client against servers that do what servers should not.
@Suite struct ControlClientTests {
    private func client(_ agent: FakeAgent, patience: Int = 20_000, limit: Int = 1 << 20) -> ControlClient {
        ControlClient(runDirectory: agent.directory, patience: patience, limit: limit)
    }

    private let reload = #"{"data":{"accepted":true,"faults":[],"generation":7,"time":"t"},"ok":true}"#

    private func seconds(of body: () -> Void) -> Double {
        let clock = ContinuousClock()
        let span = clock.measure(body)
        return Double(span.components.seconds) + Double(span.components.attoseconds) / 1e18
    }

    @Test func asksOnOneLineAndReadsTheAnswer() throws {
        let seen = Mutex("")
        let reply = reload
        let agent = try FakeAgent { connection in
            seen.withLock { $0 = connection.line() }
            connection.send(reply + "\n")
        }
        let report = try client(agent).ask(.reload, for: ReloadReport.self)
        #expect(report == ReloadReport(time: "t", accepted: true, generation: 7))
        #expect(seen.withLock { $0 } == #"{"command":"reload"}"#)
    }

    @Test func readsAnAnswerThatComesByteByByte() throws {
        let reply = reload
        let agent = try FakeAgent { connection in
            for byte in (reply + "\n").utf8 { connection.send([byte]) }
        }
        #expect(try client(agent).ask(.reload, for: ReloadReport.self).generation == 7)
    }

    @Test func givesUpOnASilentServer() throws {
        let agent = try FakeAgent { $0.untilGone() }
        let patient = client(agent, patience: 200)
        let span = seconds {
            #expect(throws: ClientError.timedOut) { try patient.ask(.status, for: StatusReport.self) }
        }
        #expect(span >= 0.19 && span < 20)
    }

    @Test func aTricklingServerDoesNotExtendTheDeadline() throws {
        let agent = try FakeAgent { connection in
            while connection.send(" ") { connection.pause(milliseconds: 20) }
        }
        let patient = client(agent, patience: 200)
        let span = seconds {
            #expect(throws: ClientError.timedOut) { try patient.ask(.status, for: StatusReport.self) }
        }
        #expect(span < 20)
    }

    @Test func givesUpOnAServerThatNeverAccepts() throws {
        let agent = try FakeAgent(nil)
        let patient = client(agent, patience: 200)
        // The first ones fill the backlog, the later ones cannot even connect.
        for _ in 0..<3 {
            #expect(throws: ClientError.timedOut) { try patient.ask(.status, for: StatusReport.self) }
        }
    }

    @Test(arguments: [
        "garbage\n", "\n", "{}\n", "[]\n", "{\"ok\":true}\n", "{\"ok\":true,\"data\":{}}\n", "{\"ok\":\"yes\"}\n",
        "{\"ok\":false}\n", "\u{0}\u{1}\u{2}\n", "{\"ok\":true,\"data\":{\"time\":1}}\n",
        String(repeating: "[", count: 900) + "\n",
    ])
    func refusesGarbage(_ answer: String) throws {
        let agent = try FakeAgent { $0.send(answer) }
        do {
            _ = try client(agent).ask(.reload, for: ReloadReport.self)
            Issue.record("garbage was taken for an answer")
        } catch .malformed(let reason) {
            #expect(!reason.isEmpty)
        }
    }

    @Test func refusesBytesThatAreNotText() throws {
        let agent = try FakeAgent { $0.send([0xFF, 0xFE, 0x80, 0x0A]) }
        #expect {
            try client(agent).ask(.reload, for: ReloadReport.self)
        } throws: { error in
            if case ClientError.malformed = error { true } else { false }
        }
    }

    @Test func stopsReadingALineWithoutEnd() throws {
        let agent = try FakeAgent { connection in
            while connection.send([UInt8](repeating: UInt8(ascii: "x"), count: 4096)) {}
        }
        #expect(throws: ClientError.lineTooLong(limit: 1 << 20)) { try client(agent).ask(.status, for: StatusReport.self) }
    }

    @Test(arguments: ["", "{\"ok\":true,\"da"])
    func noticesAServerThatClosesEarly(_ beginning: String) throws {
        let agent = try FakeAgent { connection in
            _ = connection.line()
            connection.send(beginning)
        }
        #expect(throws: ClientError.closedEarly) { try client(agent).ask(.status, for: StatusReport.self) }
    }

    @Test func passesOnTheAgentsRefusal() throws {
        let agent = try FakeAgent { $0.send(#"{"ok":false,"error":"no model \"x\""}"# + "\n") }
        #expect(throws: ClientError.refused("no model \"x\"")) { try client(agent).ask(.model(name: "x"), for: ModelReport.self) }
    }

    @Test func saysThatNoAgentRuns() throws {
        let directory = try Scratch.directory()
        defer { Scratch.remove(directory) }
        let socket = directory + "/control.sock"
        let client = ControlClient(runDirectory: directory)
        #expect(throws: ClientError.notRunning(socket: socket)) { try client.ask(.status, for: StatusReport.self) }
        #expect(ClientError.notRunning(socket: socket).description.contains("modelbrokerd --config"))
    }

    @Test func saysThatNobodyListensOnAStaleSocket() throws {
        let directory = try Scratch.directory()
        defer { Scratch.remove(directory) }
        try Scratch.write("", to: directory + "/control.sock")
        #expect(throws: ClientError.notRunning(socket: directory + "/control.sock")) {
            try ControlClient(runDirectory: directory).ask(.status, for: StatusReport.self)
        }
    }

    @Test func refusesAPathThatNoSocketAddressHolds() {
        let client = ControlClient(runDirectory: "/tmp/" + String(repeating: "d", count: 200))
        #expect {
            try client.ask(.status, for: StatusReport.self)
        } throws: { error in
            if case ClientError.system(_, ENAMETOOLONG) = error { true } else { false }
        }
    }

    @Test func namesTheAgentsProcessBeforeItAsks() throws {
        let agent = try FakeAgent { connection in
            _ = connection.line()
            connection.send(#"{"ok":true,"data":{"pid":12}}"# + "\n")
        }
        var process: Int32 = 0
        #expect(try client(agent).detach { process = $0 }.pid == 12)
        #expect(process == getpid())
    }
}
