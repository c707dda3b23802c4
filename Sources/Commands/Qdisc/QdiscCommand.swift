internal import ArgumentParser

struct QdiscCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "qdisc",
        abstract: "The HTB tree on the device of `node.qdisc`.",
        subcommands: [QdiscShow.self])
}
