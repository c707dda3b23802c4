internal import ArgumentParser

/// `modelbroker client`: who the callers are.
struct ClientCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "client", abstract: "The clients of the configuration, what they may call and how much.",
        subcommands: [ClientList.self, ClientShow.self])
}
