internal import ArgumentParser
internal import Configuration
package import Control

struct EndpointLogs: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "logs",
        abstract: "Show what the server of an endpoint on demand wrote last.",
        discussion: """
            Of servers that the agent itself started (`activate: {exec: …}`): standard output and error, the last 256 KiB. \
            What could steer a terminal is written out, as \\u{1B}.

            Examples:
              modelbroker endpoint logs llama-70b
              modelbroker endpoint logs http://127.0.0.1:9105 --last 20
            """)

    @Argument(help: "The server's URL, or the name of its model.")
    var name: String

    @Option(help: ArgumentHelp("How many lines.", valueName: "number"))
    var last = 100

    @OptionGroup var global: GlobalOptions

    func validate() throws {
        guard last > 0 else { throw ValidationError("--last takes a number above zero") }
    }

    func run() throws {
        let log = try global.client.ask(
            .engineLog(name: EndpointURL.canonical(name) ?? name, last: last), for: EngineLog.self)
        try global.output.show(log) { log, _ in log.text }
        if log.dropped > 0 { Terminal.complain("\(log.url): \(log.droppedText)".printable) }
    }
}

extension EngineLog {
    /// What `modelbroker endpoint logs` prints: a line for each, whatever is in it.
    package var text: String { lines.map { Self.printable($0) + "\n" }.joined() }

    /// `1 line before these is not kept`
    package var droppedText: String {
        dropped == 1 ? "1 line before these is not kept" : "\(dropped) lines before these are not kept"
    }

    /// Tabs do no harm, and are everywhere.
    private static func printable(_ line: String) -> String {
        line.split(separator: "\t", omittingEmptySubsequences: false).map { String($0).printable }.joined(separator: "\t")
    }
}
