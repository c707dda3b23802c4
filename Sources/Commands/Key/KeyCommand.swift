internal import ArgumentParser

/// `modelbroker key`: API keys that are made by hand.
struct KeyCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "key", abstract: "API keys: make one, look at them, end one.",
        subcommands: [KeyNew.self, KeyList.self, KeyRevoke.self])
}
