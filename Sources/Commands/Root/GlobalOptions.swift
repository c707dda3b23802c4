internal import ArgumentParser

/// The options that every command has.
struct GlobalOptions: ParsableArguments {
    @Option(name: .customLong("run-dir"), help: ArgumentHelp("Directory with the agent's sockets.", valueName: "dir"))
    var runDirectory = "/run/modelbroker"

    @Option(name: .customLong("pin-dir"), help: ArgumentHelp("Directory with the pinned maps and links.", valueName: "dir"))
    var pinDirectory = "/sys/fs/bpf/modelbroker"

    @Flag(name: .shortAndLong, help: "Print JSON.")
    var json = false

    @Flag(name: .shortAndLong, help: "Print indented JSON.")
    var pretty = false

    var output: Output {
        Output(format: pretty ? .prettyJSON : json ? .json : .table)
    }

    var client: ControlClient { ControlClient(runDirectory: runDirectory) }
}
