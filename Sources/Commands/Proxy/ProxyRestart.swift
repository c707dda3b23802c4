internal import ArgumentParser
package import Control

struct ProxyRestart: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "restart",
        abstract: "Put a new proxy in the place of the one that serves, without losing a connection.",
        discussion: """
            Starts the installed modelbroker-proxy beside the one that serves and hands it the listening sockets. Once it has \
            the configuration and accepts, the one before lets go of them and ends what it has under way, for as long as \
            node.drain allows. If the new one does not get that far, it is given up and the one before serves on as if \
            nothing had happened. Waits for what comes of it; fails when the proxy was not replaced. It is a line in \
            audit.jsonl in the run directory, and an event.

            A new version is put into force by restarting modelbrokerd, which replaces a proxy of another version in the \
            same way.

            Example:
              modelbroker proxy restart
            """)

    /// Longer than the agent takes at most.
    private static let patience = 40_000

    @OptionGroup var global: GlobalOptions

    func run() throws {
        let client = ControlClient(runDirectory: global.runDirectory, patience: Self.patience)
        var replaced = true
        try AgentEdit(global, client).run({ .replaceProxy(uid: $0) }, for: ReplacementReport.self, record: \.subject) { report in
            replaced = report.replaced
            if replaced || global.output.format != .table { try global.output.show(report) { report, _ in report.text } }
            if !replaced { Terminal.complain(report.text.trimmedLine) }
        }
        if !replaced { throw CommandFailed() }
    }
}

extension ReplacementReport {
    /// What `modelbroker proxy restart` prints.
    package var text: String {
        guard replaced, let to else {
            return "the proxy was not replaced, pid \(from) serves on: \(reason ?? "unknown")\n".printableLine
        }
        let drain = drainMilliseconds.map { ", which drains for up to \(Units.duration(milliseconds: $0))" } ?? ""
        let time = Units.duration(milliseconds: milliseconds)
        return "pid \(to) serves in the place of pid \(from)\(drain); it took \(time)\n".printableLine
    }

    package var subject: AuditRecord.Subject {
        AuditRecord.Subject(
            action: .proxyRestart,
            changes: replaced ? ["pid": .init(before: "\(from)", after: to.map { "\($0)" } ?? "none")] : [:])
    }
}

extension String {
    fileprivate var trimmedLine: String { hasSuffix("\n") ? String(dropLast()) : self }
}
