internal import ArgumentParser
internal import Control

struct ReloadCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "reload",
        abstract: "Have the agent read its configuration file again.",
        discussion: """
            Waits until the new configuration is in force. A configuration with faults changes nothing: they are printed \
            and the one in force stays. The agent also reloads by itself when the file changes.
            """)

    @OptionGroup var global: GlobalOptions

    func run() throws {
        let report = try global.client.ask(.reload, for: ReloadReport.self)
        if report.accepted || global.output.format != .table {
            try global.output.show(report) { report, _ in "generation \(report.generation) is in force\n" }
        }
        guard !report.accepted else { return }
        for fault in report.faults { Terminal.complain(fault.printable) }
        Terminal.complain("the configuration is refused; generation \(report.generation) stays in force")
        throw CommandFailed()
    }
}
