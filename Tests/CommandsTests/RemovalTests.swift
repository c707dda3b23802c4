import Commands
import Control
import ControlCoding
import Glibc
import Testing

/// `detach` with no agent to help.
@Suite struct RemovalTests {
    private func withRunDirectory(_ body: (String) throws -> Void) throws {
        let directory = try Scratch.directory()
        defer { Scratch.remove(directory) }
        try body(directory)
    }

    private func remove(_ directory: String) -> RemovalReport {
        Removal.run(
            runDirectory: directory, pinDirectory: directory + "/pins",
            client: ControlClient(runDirectory: directory, patience: 500))
    }

    @Test func findsNothingWhereNothingIs() {
        let report = remove("/tmp/modelbroker-test-nothing-\(getpid())")
        #expect(report == RemovalReport())
        #expect(report.text == "nothing to detach\n")
    }

    @Test func removesWhatADeadAgentLeft() throws {
        try withRunDirectory { directory in
            let state = BrokerState(brokerCgroup: "/nowhere/modelbroker", pinDirectory: directory + "/pins")
            try Scratch.write(String(decoding: ControlLine.encode(state), as: UTF8.self), to: directory + "/state.json")
            try Scratch.write("", to: directory + "/control.sock")
            try Scratch.write("", to: directory + "/proxy.sock")
            let report = remove(directory)
            #expect(report.failed == [])
            #expect(report.removed == ["control.sock", "proxy.sock", "state.json"].map { "\(directory)/\($0)" } + [directory])
            #expect(report.text.hasPrefix("removed \(directory)/control.sock\n"))
            #expect(remove(directory) == RemovalReport())
        }
    }

    @Test func leavesWhatIsNotTheBrokers() throws {
        try withRunDirectory { directory in
            try Scratch.write("mine", to: directory + "/file")
            #expect(remove(directory) == RemovalReport())
            #expect(access(directory + "/file", F_OK) == 0)
        }
    }

    @Test(arguments: ["", "{}", "\u{0}", #"{"brokerCgroup":7}"#, #"{"brokerCgroup":"/","pinDirectory":"/","podAddresses":"x"}"#])
    func saysThatNotesCannotBeReadAndGoesOn(_ notes: String) throws {
        try withRunDirectory { directory in
            try Scratch.write(notes, to: directory + "/state.json")
            try Scratch.write("", to: directory + "/proxy.sock")
            let report = remove(directory)
            #expect(report.failed.count == 1 && report.failed.allSatisfy { $0.contains("state.json cannot be used") })
            #expect(report.removed.contains(directory + "/proxy.sock"))
        }
    }

    @Test func doesNotTouchCgroupsAndAddressesThatCannotBeTheBrokers() throws {
        try withRunDirectory { directory in
            let state = BrokerState(
                brokerCgroup: directory, podAddresses: ["not-an-address"], pinDirectory: directory + "/pins")
            try Scratch.write(String(decoding: ControlLine.encode(state), as: UTF8.self), to: directory + "/state.json")
            try Scratch.write("", to: directory + "/file")
            let report = remove(directory)
            #expect(report.failed.count == 2)
            #expect(report.failed.contains { $0.contains("is not a cgroup below") })
            #expect(report.failed.contains { $0.contains("not-an-address") })
            #expect(access(directory + "/file", F_OK) == 0)
        }
    }

    @Test func saysSoWhenTheAgentDoesNotAnswer() throws {
        let agent = try FakeAgent(nil)
        let report = remove(agent.directory)
        #expect(report.agent == nil)
        #expect(report.failed == ["could not ask the agent to detach: the agent did not answer in time"])
    }
}
