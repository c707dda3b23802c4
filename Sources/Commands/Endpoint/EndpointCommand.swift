internal import ArgumentParser

struct EndpointCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "endpoint",
        abstract: "The servers that have the models: how they fare, and taking them out.",
        subcommands: [EndpointList.self, EndpointDrain.self, EndpointEnable.self])
}
