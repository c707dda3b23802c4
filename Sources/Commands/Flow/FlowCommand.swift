internal import ArgumentParser

struct FlowCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "flow",
        abstract: "Connections of callers through the proxy.",
        subcommands: [FlowList.self])
}
