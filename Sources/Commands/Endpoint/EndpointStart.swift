internal import ArgumentParser
package import Control

struct EndpointStart: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "start",
        abstract: "Start the server of an endpoint on demand, before anybody needs it.",
        discussion: """
            For endpoints with `activate` in the configuration. The command returns when the start is under way; `modelbroker \
            endpoint list` shows the PHASE. It stops again by itself after its idleAfter. It is a line in audit.jsonl in the run \
            directory, and an event.

            Example:
              modelbroker endpoint start http://127.0.0.1:9105
            """)

    @Argument(help: "The server's URL, as the configuration has it.", transform: EndpointArgument.url)
    var url: String

    @OptionGroup var global: GlobalOptions

    func run() throws { try EngineEdit(url: url, global: global).run(.endpointStart) { .startEngine(url: url, uid: $0) } }
}

struct EndpointStop: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "stop",
        abstract: "Stop the server of an endpoint on demand.",
        discussion: """
            What is under way there goes on to its end first, and it gets nothing new. The next request that needs it starts it \
            again; to keep it away, drain it. It is a line in audit.jsonl in the run directory, and an event.

            Example:
              modelbroker endpoint stop http://127.0.0.1:9105
            """)

    @Argument(help: "The server's URL, as the configuration has it.", transform: EndpointArgument.url)
    var url: String

    @OptionGroup var global: GlobalOptions

    func run() throws { try EngineEdit(url: url, global: global).run(.endpointStop) { .stopEngine(url: url, uid: $0) } }
}

/// A server that is started or stopped by hand.
struct EngineEdit {
    let url: String
    let global: GlobalOptions

    func run(_ action: AuditRecord.Action, _ request: (_ uid: UInt32) -> ControlRequest) throws {
        // What it was is known only before.
        let endpoints = try global.client.ask(.endpoints, for: [EndpointReport].self)
        let before = endpoints.first { $0.url == url && $0.phase != nil }?.phase
        try AgentEdit(global).run(request, for: EngineReport.self, text: \.text, record: { $0.subject(action, before: before) })
    }
}

extension EngineReport {
    /// What `endpoint start` and `endpoint stop` print.
    package var text: String {
        let served = models.isEmpty ? "" : ", of \(models.joined(separator: ", "))"
        let details = [
            "by \(method)", pid.map { "pid \($0)" }, oneOf.map { "one of \($0)" },
            phase == "failed" ? fault : nil, retryMilliseconds.map { "tried again in \(Units.duration(milliseconds: $0))" },
        ]
        return "\(url)\(served) is \(phase) (\(details.compactMap(\.self).joined(separator: ", ")))\n".printableLine
    }

    /// - Parameter before: its phase; nil: it is not known.
    package func subject(_ action: AuditRecord.Action, before: String?) -> AuditRecord.Subject {
        AuditRecord.Subject(
            action: action, url: url,
            changes: before == phase ? [:] : ["phase": .init(before: before ?? "unknown", after: phase)])
    }
}
