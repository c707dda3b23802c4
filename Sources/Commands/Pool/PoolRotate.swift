internal import ArgumentParser
package import Control

struct PoolRotate: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "rotate",
        abstract: "Move a pool, or a model, away from the endpoint that it prefers now.",
        discussion: """
            The endpoint goes on standby for ten minutes, and the strategy chooses among the others; a restart of the proxy \
            ends it. What is under way there goes on to its end. To take a server out for longer use `modelbroker endpoint \
            drain`. It is a line in audit.jsonl in the run directory, and an event.

            Example:
              modelbroker pool rotate chat
            """)

    @Argument(help: "The pool's name, or a model's.")
    var name: String

    @OptionGroup var global: GlobalOptions

    func run() throws {
        try AgentEdit(global).run({ .rotate(name: name, uid: $0) }, for: RotationReport.self, text: \.text, record: \.subject)
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
