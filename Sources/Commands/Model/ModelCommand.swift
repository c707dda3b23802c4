internal import ArgumentParser

struct ModelCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "model",
        abstract: "Models of the catalogue, and models that requests named.",
        subcommands: [ModelList.self, ModelShow.self])
}
