internal import ArgumentParser

struct EndpointCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "endpoint",
        abstract: "The servers that have the models: how they fare, taking them out, starting and stopping them.",
        subcommands: [
            EndpointList.self, EndpointDrain.self, EndpointEnable.self, EndpointStart.self, EndpointStop.self, EndpointLogs.self,
        ])
}
