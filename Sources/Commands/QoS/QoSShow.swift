internal import ArgumentParser

struct QoSShow: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "show",
        abstract: "Show each model's entry and what it did, or one model's in full.",
        discussion: """
            Reads the pinned maps: it needs root, and no agent. Without one, clients are shown by number and what went \
            through the proxy is not known.

            A value's SOURCE is `live` when it was set by hand, `file` when the configuration says so, else `default`. \
            LEVEL is what a bucket would admit at once, CAPACITY its burst. SHARE is what each active socket may send: the \
            bandwidth, by the number of sockets that use it. In the list, ADMITTED and REFUSED are connections in the \
            kernel and requests at the proxy together; OBSERVED are those that observe mode let pass.

            Bandwidth governs what this node sends: requests to endpoints, answers to captured callers, and the answers of \
            engines that run here. What an engine on another node sends is governed there.

            Examples:
              modelbroker qos show
              modelbroker qos show llama-70b
              modelbroker qos show -j | jq '.[] | {model, level: .buckets.requests.level}'
            """)

    @Argument(help: "The model's name; without it, all models.")
    var model: String?

    @OptionGroup var global: GlobalOptions

    func run() throws {
        let plane = try QoSPlane(pinDirectory: global.pinDirectory)
        if let model {
            let report = try plane.report(of: model).named(by: AgentFacts(asking: global.client))
            try global.output.show(report) { report, width in report.text(width: width) }
        } else {
            let reports = try plane.reports()
            let facts = AgentFacts(asking: global.client)
            try global.output.show(reports.map { $0.named(by: facts) }, table: QoSReport.table)
        }
    }
}
