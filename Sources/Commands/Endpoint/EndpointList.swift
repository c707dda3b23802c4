internal import ArgumentParser

struct EndpointList: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list",
        abstract: "List the endpoints of the direct path: which can be used, and what went there.",
        discussion: """
            A connect goes to the usable endpoint with the fewest open connections for its weight. Endpoints of models that \
            are on no rule with `path: direct` are in `modelbroker model show`.

            Needs root, and no agent; but it is the agent that finds out which endpoints are USABLE.

            Examples:
              modelbroker endpoint list
              modelbroker endpoint list minilm -j | jq '.[] | select(.usable | not)'
            """)

    @Argument(help: "Only those of this model.")
    var model: String?

    @OptionGroup var global: GlobalOptions

    func run() throws {
        let plane = try QoSPlane(pinDirectory: global.pinDirectory)
        if let model { try plane.expect(model) }
        try global.output.show(plane.endpoints(of: model), table: DirectEndpointReport.table)
    }
}
