internal import ArgumentParser
internal import Control
private import Glibc

struct EventsCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "events",
        abstract:
            "Show what happened: refusals, limits, unknown models, failing endpoints, engines, changes by hand, restarts of the proxy.",
        discussion: """
            With --follow --level debug the proxy tells each of its decisions for as long as the command runs: the line that \
            `modelbroker explain` ends with.

            With --follow each event is printed as it happens, until ctrl-C or until the agent goes; -j then prints one \
            object a line.

            Examples:
              modelbroker events --last 50
              modelbroker events --follow -j | jq -c 'select(.kind == "limited") | {model, client, reason}'
              modelbroker events --follow -j | jq -c 'select(.kind == "unknown-model")'
              modelbroker events --follow -j | jq -c 'select(.kind | startswith("engine-"))'
              modelbroker events --follow --level debug
            """)

    @Flag(name: .shortAndLong, help: "Go on as things happen.")
    var follow = false

    @Option(help: ArgumentHelp("How many past events to begin with.", valueName: "number"))
    var last: Int?

    @Option(help: "info, or debug: also where each request goes and why, while this looks on.")
    var level: EventLevel = .info

    @OptionGroup var global: GlobalOptions

    func validate() throws {
        if let last, last < 0 { throw ValidationError("--last takes a number that is not negative") }
    }

    func run() throws {
        if follow {
            try stream()
        } else {
            var events: [EventReport] = []
            try global.client.events(follow: false, last: last ?? 20, level: level) { events.append($0) }
            try global.output.show(events) { events, _ in events.map { $0.line + "\n" }.joined() }
        }
    }

    private func stream() throws {
        // Each event is one write(2), so whenever ctrl-C comes, the output ends behind a whole event.
        signal(SIGINT) { _ in _exit(0) }
        let output = global.output
        do {
            try global.client.events(follow: true, last: last ?? 0, level: level) { event in
                try output.show(event) { event, _ in event.line + "\n" }
            }
        } catch ClientError.closedEarly {
            // The agent went in the middle of a line.
        }
        Terminal.complain("the agent has gone")
    }
}

extension EventLevel: ExpressibleByArgument {}
