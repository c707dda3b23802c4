internal import ArgumentParser

struct EndpointCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "endpoint",
        abstract: "Servers that the kernel picks among on the direct path.",
        subcommands: [EndpointList.self])
}
