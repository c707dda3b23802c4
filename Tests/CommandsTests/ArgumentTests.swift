import ArgumentParser
import Testing

@testable import Commands

@Suite struct ArgumentTests {
    private func parse<Command>(_ type: Command.Type, _ arguments: String...) throws -> Command {
        try #require(try ModelBroker.parseAsRoot(ArgumentOrder.globalsLast(arguments)) as? Command)
    }

    @Test func movesGlobalOptionsBehindTheObject() {
        #expect(
            ArgumentOrder.globalsLast(["-j", "--run-dir", "/r", "flow", "list"]) == ["flow", "list", "-j", "--run-dir", "/r"])
        #expect(
            ArgumentOrder.globalsLast(["--pin-dir=/p", "map", "dump", "--", "-x"]) == ["map", "dump", "--pin-dir=/p", "--", "-x"])
        #expect(ArgumentOrder.globalsLast(["flow", "-j"]) == ["flow", "-j"])
        #expect(ArgumentOrder.globalsLast(["--run-dir"]) == ["--run-dir"])
        #expect(ArgumentOrder.globalsLast([]) == [])
    }

    @Test func hasGlobalOptionsOnEitherSide() throws {
        let before = try parse(StatusCommand.self, "-p", "--run-dir", "/r", "status")
        let after = try parse(StatusCommand.self, "status", "--run-dir=/r", "--pretty")
        for command in [before, after] {
            #expect(command.global.runDirectory == "/r")
            #expect(command.global.pinDirectory == "/sys/fs/bpf/modelbroker")
            #expect(command.global.output.format == .prettyJSON)
        }
        #expect(try parse(StatusCommand.self, "status", "-j").global.output.format == .json)
        #expect(try parse(StatusCommand.self, "status").global.output.format == .table)
    }

    @Test func knowsEveryCommand() throws {
        #expect(try parse(ModelShow.self, "model", "show", "llama").name == "llama")
        let flows = try parse(FlowList.self, "flow", "list", "--model", "m", "--client", "c")
        #expect(flows.model == "m" && flows.client == "c")
        let events = try parse(EventsCommand.self, "events", "--follow", "--last", "3")
        #expect(events.follow && events.last == 3)
        #expect(try parse(ConfigCheck.self, "config", "check", "f.yaml").file == "f.yaml")
        #expect(try parse(MapDump.self, "map", "dump", "rules4").name == "rules4")
        _ = try parse(ModelList.self, "model", "list")
        _ = try parse(CaptureList.self, "capture", "list")
        _ = try parse(ProgramList.self, "prog", "list")
        _ = try parse(MapList.self, "map", "list")
        _ = try parse(DoctorCommand.self, "doctor")
        _ = try parse(DetachCommand.self, "detach")
        _ = try parse(ReloadCommand.self, "reload")
    }

    @Test(arguments: [
        ["nonsense"], ["flow", "list", "--bogus"], ["model", "show"], ["events", "--last", "-1"], ["events", "--last", "x"],
        ["map", "dump", "a", "b"], ["status", "extra"],
    ])
    func exitsWithTwoOnWrongUsage(_ arguments: [String]) {
        #expect(ModelBroker.run(arguments) == 2)
    }

    @Test func exitsWithOneWithoutAnAgent() throws {
        let directory = try Scratch.directory()
        defer { Scratch.remove(directory) }
        for arguments in [["status"], ["model", "list"], ["model", "show", "x"], ["flow", "list"], ["events"], ["reload"]] {
            #expect(ModelBroker.run(["--run-dir", directory] + arguments) == 1)
        }
    }
}
