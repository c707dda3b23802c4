internal import ArgumentParser

struct ProgramCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "prog",
        abstract: "The broker's BPF programs, and whatever else is attached where they are.",
        subcommands: [ProgramList.self])
}
