internal import ArgumentParser
package import Control

struct FlowList: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list",
        abstract: "List the open connections: who calls what, and where it goes.",
        discussion: """
            WORKLOAD is the cgroup of the calling process as the kernel saw it, and `cgroup:ID` once that cgroup is gone; of a \
            pod of the cluster, its namespace and name. \
            On a terminal it is cut in the middle to fit. A flow whose STATE is queued waits for a free slot (`modelbroker queue list`).

            Examples:
              modelbroker flow list --model llama-70b
              modelbroker flow list --client checkout -j | jq '.[].pid'
            """)

    @Option(help: ArgumentHelp("Only flows whose last request named this model.", valueName: "name"))
    var model: String?

    @Option(help: ArgumentHelp("Only flows of this client.", valueName: "name"))
    var client: String?

    @OptionGroup var global: GlobalOptions

    func run() throws {
        let flows = try global.client.ask(.flows(model: model, client: client), for: [FlowReport].self)
        try global.output.show(flows, table: FlowReport.table)
    }
}

extension FlowReport {
    /// What `modelbroker flow list` prints.
    package static func table(_ flows: [FlowReport], width: Int?) -> String {
        var table = Table([
            .init("id", .right), .init("pid", .right), .init("command"), .init("workload", shrinks: true), .init("dialled"),
            .init("client"), .init("model"), .init("endpoint"), .init("state"), .init("in", .right), .init("out", .right),
            .init("age", .right),
        ])
        for flow in flows {
            table.add([
                "\(flow.id)", flow.pid.map(String.init) ?? "", flow.command, flow.origin, flow.dialled, flow.client,
                flow.model, flow.endpoint ?? "", flow.state, Units.bytes(flow.bytesIn), Units.bytes(flow.bytesOut),
                Units.duration(milliseconds: flow.ageMilliseconds),
            ])
        }
        return table.rendered(width: width)
    }
}
