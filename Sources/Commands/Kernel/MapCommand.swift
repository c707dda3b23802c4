internal import ArgumentParser

struct MapCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "map",
        abstract: "The broker's BPF maps.",
        subcommands: [MapList.self, MapDump.self])
}
