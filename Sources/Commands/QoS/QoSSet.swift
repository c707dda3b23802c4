internal import ArgumentParser
internal import Catalog

struct QoSSet: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "set",
        abstract: "Change a model's entry, live.",
        discussion: """
            What is given replaces the configuration's value, survives reload and restart, and ends with \
            `modelbroker qos reset`; what is not given stays. All of it is in force when the command returns, on open \
            connections too, or nothing has changed. What callers owe their buckets is kept.

            `none` takes a limit off, whatever the configuration says; a rate of 0/s refuses everything. Over a limit, a \
            request is answered with 429, and a connect fails with EAGAIN. With --mode observe nothing is refused or slowed: \
            what would have been refused is counted.

            Needs root, and no agent. Each change is a line in audit.jsonl in the run directory, and an event.

            Examples:
              modelbroker qos set llama-70b --requests 100/s --burst 20
              modelbroker qos set llama-70b --tokens 600000/m --connections 200
              modelbroker qos set llama-70b --bandwidth 50MiB/s --priority high --dscp 26
              modelbroker qos set llama-70b --requests none --mode observe
            """)

    @Argument(help: "The model's name.")
    var model: String

    @OptionGroup(title: "Values") var values: QoSOptions

    @OptionGroup var global: GlobalOptions

    func validate() throws { _ = try change() }

    func run() throws {
        let change = try change()
        try QoSEdit(.qosSet, of: model, global).run(given: Set(values.given.map(\.field))) { plane, uid in
            try plane.set(model, change, by: uid)
        }
    }

    private func change() throws -> QoS {
        do {
            return try QoSArguments.change(values.given)
        } catch {
            throw ValidationError(error.faults.joined(separator: "\n       "))
        }
    }
}
