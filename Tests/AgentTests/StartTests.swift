import Catalog
import Control
import Glibc
import KernelPlane
import Testing

@testable import Agent

@Suite struct StartTests {
    @Test func undoRunsBackwards() {
        final class Trace { var steps: [Int] = [] }
        let trace = Trace()
        var undo = Undo()
        for step in 1...3 { undo.add { trace.steps.append(step) } }
        undo.run()
        undo.run()
        #expect(trace.steps == [3, 2, 1])
    }

    @Test func aSecondAgentIsRefusedAndToldOfTheFirst() throws {
        let scratch = try Scratch()
        let lock = try InstanceLock.take(scratch["agent.lock"])
        let error = #expect(throws: AgentError.self) { try InstanceLock.take(scratch["agent.lock"]) }
        #expect(error?.description.contains("pid \(getpid())") == true)
        lock.release()
        try InstanceLock.take(scratch["agent.lock"]).release()
        #expect(try InstanceLock.take(pinDirectory: scratch["none"]) == nil)
        mkdir(scratch["links"], 0o700)
        let pins = try InstanceLock.take(pinDirectory: scratch.path)
        #expect(throws: AgentError.self) { try InstanceLock.take(pinDirectory: scratch.path) }
        pins?.release()
    }

    @Test func makesItsRunDirectoryAndClearsIt() throws {
        let scratch = try Scratch()
        let run = try RunDirectory.prepare(scratch["run"])
        #expect(run.isNew)
        #expect(try !RunDirectory.prepare(scratch["run"]).isNew)
        try scratch.write("{}", to: "run/state.json")
        run.clear()
        #expect(!File.exists(run.path))
    }

    @Test func refusesARunDirectoryThatOthersCanWriteTo() throws {
        let scratch = try Scratch()
        mkdir(scratch["open"], 0o700)
        chmod(scratch["open"], 0o777)
        #expect(throws: AgentError.self) { try RunDirectory.prepare(scratch["open"]) }
        try scratch.write("", to: "file")
        #expect(throws: AgentError.self) { try RunDirectory.prepare(scratch["file"]) }
        #expect(throws: AgentError.self) { try RunDirectory.prepare(scratch["no/such"]) }
    }

    @Test func socketsAreForTheirOwnerAlone() throws {
        let scratch = try Scratch()
        for _ in 0..<2 {
            let socket = try Listener.unix(scratch["a.sock"], owner: 0)
            var facts = stat()
            #expect(stat(scratch["a.sock"], &facts) == 0)
            #expect(facts.st_mode & 0o777 == 0o600)
            close(socket)
        }
        let long = scratch[String(repeating: "x", count: 100)]
        #expect(throws: AgentError.self) { try Listener.unix(long, owner: 0) }
    }

    @Test func stateIsWhatTheCommandLineReads() throws {
        let scratch = try Scratch()
        let state = AgentState(
            agentPid: 1, proxyPid: 2, brokerCgroup: "/cg", pinDirectory: "/pins", podAddresses: ["169.254.77.1"])
        try state.write(scratch["state.json"])
        #expect(AgentState.read(scratch["state.json"]) == state)
        let seen = try ControlLine.decode(BrokerState.self, from: try File.read(scratch["state.json"]))
        #expect(seen == BrokerState(brokerCgroup: "/cg", podAddresses: ["169.254.77.1"], pinDirectory: "/pins"))
        try scratch.write("{\"agentPid\":", to: "state.json")
        #expect(AgentState.read(scratch["state.json"]) == nil)
    }

    @Test func rootIsNoUserForTheProxy() throws {
        #expect(throws: AgentError.self) { try Account.find("root") }
        #expect(throws: AgentError.self) { try Account.find("no-such-user-here") }
        let nobody = try Account.find("nobody")
        #expect(nobody.uid != 0)
        #expect(nobody.barrier(to: "/usr/bin/env") == nil)
        let scratch = try Scratch()
        #expect(nobody.barrier(to: scratch["x"]) == scratch.path, "mkdtemp makes directories of mode 0700")
    }

    @Test func targetsFollowTheListeners() throws {
        var node = Node(listen: [try #require(SocketAddress("[::1]:7"))], podAddresses: [IPAddress(v4: 169, 254, 77, 1)])
        func targets() -> [String?] {
            PlaneSettings(generation: 1, hostNetnsCookie: 1, node: node).targets.map { $0?.description }
        }
        #expect(targets() == [nil, "[::1]:7", "169.254.77.1:7", nil])
        node.listen.append(try #require(SocketAddress("127.0.0.1:8")))
        #expect(targets() == ["127.0.0.1:8", "[::1]:7", "169.254.77.1:8", nil])
    }

    @Test func configurationThatIsNotTextIsAFault() throws {
        let scratch = try Scratch()
        try File.replace(scratch["c.yaml"], with: [0xff, 0xfe, 0x00], mode: 0o600)
        let file = try ConfigurationFile.read(scratch["c.yaml"])
        #expect(file.result == .failure(ConfigurationFile.Refused(faults: ["the file is not UTF-8 text"])))
        #expect(throws: SystemError.self) { try ConfigurationFile.read(scratch["none.yaml"]) }
    }
}
