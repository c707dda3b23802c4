internal import ArgumentParser
internal import Control

struct StatusCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "status",
        abstract: "Show how the agent, its proxy and its kernel plane are doing.",
        discussion: """
            Fails when no agent runs; `modelbroker doctor` says more then.

            Examples:
              modelbroker status
              modelbroker status -j | jq .kernel.counters.captured
            """)

    @OptionGroup var global: GlobalOptions

    func run() throws {
        let report = try global.client.ask(.status, for: StatusReport.self)
        try global.output.show(report) { report, _ in report.text }
    }
}
