internal import ArgumentParser

struct QoSCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "qos",
        abstract: "Rates, bandwidth and priority of each model: look at them, and change them live.",
        subcommands: [QoSShow.self, QoSSet.self, QoSReset.self])
}
