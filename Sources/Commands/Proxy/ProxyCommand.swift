internal import ArgumentParser

struct ProxyCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "proxy",
        abstract: "The process that serves the requests: list it with those that drain, put a new one in its place.",
        subcommands: [ProxyList.self, ProxyRestart.self])
}
