internal import ArgumentParser
internal import Configuration
package import Control

struct EndpointDrain: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "drain",
        abstract: "Send no new requests and connections to a server.",
        discussion: """
            What is under way there goes on to its end. It holds for all models that the server has, over reloads and restarts, \
            until `modelbroker endpoint enable`. It is a line in audit.jsonl in the run directory, and an event.

            Example:
              modelbroker endpoint drain http://10.1.2.3:8000
            """)

    @Argument(help: "The server's URL, as the configuration has it.", transform: EndpointArgument.url)
    var url: String

    @OptionGroup var global: GlobalOptions

    func run() throws {
        try AgentEdit(global).run({ .drain(url: url, uid: $0) }, for: DrainReport.self, text: \.text, record: \.subject)
    }
}

struct EndpointEnable: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "enable",
        abstract: "Use a server again that was drained.",
        discussion: """
            Example:
              modelbroker endpoint enable http://10.1.2.3:8000
            """)

    @Argument(help: "The server's URL, as the configuration has it.", transform: EndpointArgument.url)
    var url: String

    @OptionGroup var global: GlobalOptions

    func run() throws {
        try AgentEdit(global).run({ .enable(url: url, uid: $0) }, for: DrainReport.self, text: \.text, record: \.subject)
    }
}

enum EndpointArgument {
    static func url(_ text: String) throws -> String {
        guard let url = EndpointURL.canonical(text) else {
            throw ValidationError("\"\(text.printable)\" is not the URL of an endpoint, as http://10.1.2.3:8000")
        }
        return url
    }
}

extension DrainReport {
    /// What `endpoint drain` and `endpoint enable` print.
    package var text: String {
        let served = models.isEmpty ? "" : ", of \(models.joined(separator: ", "))"
        guard isDrained else { return (isChanged ? "\(url)\(served) is used again\n" : "\(url) was not drained\n").printableLine }
        let already = isChanged ? "gets" : "was drained already and gets"
        return "\(url)\(served) \(already) no new requests; \(inFlight) under way\n".printableLine
    }
}

extension String {
    /// A line, its newline kept and nothing else that could steer a terminal.
    var printableLine: String { String(dropLast()).printable + "\n" }
}
