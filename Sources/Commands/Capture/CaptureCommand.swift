internal import ArgumentParser

struct CaptureCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "capture",
        abstract: "Rules that say whose connections the broker takes.",
        subcommands: [CaptureList.self])
}
