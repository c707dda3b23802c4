internal import ArgumentParser
package import Control

struct PoolRotate: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "rotate",
        abstract: "Move a pool, or a model, away from the endpoint that it prefers now.",
        discussion: """
            The endpoint goes on standby for its breaker's cooldown, and the strategy chooses among the others. What is under \
            way there goes on to its end. To take a server out for longer use `modelbroker endpoint drain`.

            Example:
              modelbroker pool rotate chat
            """)

    @Argument(help: "The pool's name, or a model's.")
    var name: String

    @OptionGroup var global: GlobalOptions

    func run() throws {
        let report = try global.client.ask(.rotate(name: name), for: RotationReport.self)
        try global.output.show(report) { report, _ in report.text }
    }
}

extension RotationReport {
    /// What `modelbroker pool rotate` prints.
    package var text: String {
        switch (from, to) {
        case (let from?, let to?) where from != to: "\(name) goes to \(to), no longer to \(from)\n".printableLine
        case (_, let to?): "\(name) stays with \(to): nothing else is usable\n".printableLine
        case (_, nil): "\(name) has no endpoint that is usable\n".printableLine
        }
    }
}
