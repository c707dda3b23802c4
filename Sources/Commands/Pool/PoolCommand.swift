internal import ArgumentParser

struct PoolCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "pool",
        abstract: "Names that stand for several models.",
        subcommands: [PoolList.self, PoolShow.self, PoolRotate.self])
}
