internal import ArgumentParser
internal import Control

struct QuotaShow: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "show",
        abstract: "Show quotas: how much is used, of how much, and when that begins again.",
        discussion: """
            USED is what requests that have ended used; what those under way may come to need is held back beside it and \
            not shown. Periods are days and months in UTC. A quota of a client and a model holds for that client's requests to that model alone.

            Examples:
              modelbroker quota show
              modelbroker quota show checkout --model llama-70b
              modelbroker quota show -j | jq '.[] | select(.used >= .limit) | {client, model, period, unit}'
            """)

    @Argument(help: "Only those of this client.")
    var client: String?

    @Option(help: ArgumentHelp("Only those of this model, and of clients for it.", valueName: "name"))
    var model: String?

    @OptionGroup var global: GlobalOptions

    func run() throws {
        let selection = QuotaSelection(client: client, model: model)
        try global.output.show(
            try global.client.ask(.quotas(selection), for: [QuotaReport].self), table: QuotaReport.table)
    }
}
