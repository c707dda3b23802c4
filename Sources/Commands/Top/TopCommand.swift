internal import ArgumentParser
private import Glibc

struct TopCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "top",
        abstract: "Watch the traffic live: models, clients, endpoints, flows, groups.",
        discussion: """
            Keys: 1 to 5 or Tab for another view, arrows to choose, Enter for all about a row, Esc back, < and > for the column \
            to sort by, r to reverse, / to filter, p to pause, + and - for the interval, ? for help, q to quit. \
            Without a terminal, with --once and with -j it prints one look: the rates are of one interval. \
            Tokens are counted where something limits, prices or audits them. NO_COLOR is heeded.

            Examples:
              modelbroker top
              modelbroker top --view endpoints --interval 5
              modelbroker top --once -j | jq '.models[] | {model, requestsPerSecond}'
            """)

    @Option(help: ArgumentHelp("Seconds between two looks, 0.2 to 60.", valueName: "seconds"))
    var interval = 1.0

    @Option(help: ArgumentHelp("What to begin with: models, clients, endpoints, flows or groups.", valueName: "view"))
    var view = TopTab.models

    @Option(help: ArgumentHelp("Column to sort by, by its name in JSON.", valueName: "key"))
    var sort: String?

    @Flag(help: "Print one look, and no more.")
    var once = false

    @OptionGroup var global: GlobalOptions

    func validate() throws {
        guard interval.isFinite, (0.2...60).contains(interval) else {
            throw ValidationError("--interval takes 0.2 to 60 seconds")
        }
        guard let sort, !view.columns.contains(where: { $0.key == sort }) else { return }
        let known = view.columns.map(\.key).joined(separator: ", ")
        throw ValidationError("\(view.rawValue) have no column \(sort.printable); they have \(known)")
    }

    func run() throws {
        let output = global.output
        guard !once, output.format == .table, TopScreen.isThere else { return try printOnce(output) }
        let signals = TopSignals()
        guard let screen = TopScreen() else { return try printOnce(output) }
        var loop = TopLoop(
            screen, signals, TopFeed(global.client), TopState(tab: view, interval: interval, sort: sort))
        loop.run()
    }

    private func printOnce(_ output: Output) throws {
        let isTable = output.format == .table
        var meter = TopMeter()
        _ = meter.measure(try TopSnapshot.ask(global.client, flows: false))
        // A rate is of some time; nothing else is waited for.
        poll(nil, 0, Int32(interval * 1000))
        let report = meter.measure(try TopSnapshot.ask(global.client, flows: !isTable || view == .flows))
        var state = TopState(tab: view, interval: interval, sort: sort)
        state.take(report)
        try output.show(report) { _, width in
            let table = TopTable(view.columns, state.rows, width: width ?? .max, withTrends: false)
            let lines = [table.header(sort: state.look.sort, isUpwards: false)] + state.rows.indices.map { table.line($0) }
            return lines.map { $0.text.trimmingBlanks + "\n" }.joined()
        }
    }
}

extension TopTab: ExpressibleByArgument {}

extension String {
    /// Without the blanks at its end.
    fileprivate var trimmingBlanks: String {
        var text = self
        while text.last == " " { text.removeLast() }
        return text
    }
}
