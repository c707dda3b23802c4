internal import ArgumentParser

struct GroupCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "group",
        abstract: "Classes of clients, and what each gets of the models that several want.",
        subcommands: [GroupList.self, GroupShow.self])
}
