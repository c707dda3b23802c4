internal import ArgumentParser

struct QoSReset: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "reset",
        abstract: "End what was set live for a model: the configuration's values hold again.",
        discussion: """
            In force when the command returns, on open connections too. Needs root, and no agent.

            Example:
              modelbroker qos reset llama-70b
            """)

    @Argument(help: "The model's name.")
    var model: String

    @OptionGroup var global: GlobalOptions

    func run() throws {
        try QoSEdit(.qosReset, of: model, global).run(given: []) { plane, uid in try plane.reset(model, by: uid) }
    }
}
