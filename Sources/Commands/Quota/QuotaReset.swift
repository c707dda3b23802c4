internal import ArgumentParser
package import Control

struct QuotaReset: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "reset",
        abstract: "Set what was used of quotas back to nothing.",
        discussion: """
            It holds from the next request on; limits by the second, minute, hour and day are not touched. It is a line \
            in audit.jsonl in the run directory, and an event.

            Examples:
              modelbroker quota reset checkout
              modelbroker quota reset checkout --model llama-70b --period day
              modelbroker quota reset --all
            """)

    @Argument(help: "Those of this client.")
    var client: String?

    @Option(help: ArgumentHelp("Those of this model, and of clients for it.", valueName: "name"))
    var model: String?

    @Option(help: ArgumentHelp("Only day, or only month.", valueName: "day|month"))
    var period: QuotaPeriod?

    @Flag(help: "Those of everybody.")
    var all = false

    @OptionGroup var global: GlobalOptions

    func validate() throws {
        let isSelected = client != nil || model != nil
        guard isSelected || all else { throw ValidationError("say whose: CLIENT, --model NAME, or --all for everybody's") }
        guard !(isSelected && all) else { throw ValidationError("--all is everybody's; leave it out, or CLIENT and --model") }
    }

    func run() throws {
        let selection = QuotaSelection(client: client, model: model, period: period?.rawValue)
        // What was used is known only before.
        let before = try global.client.ask(.quotas(selection), for: [QuotaReport].self)
        try AgentEdit(global).run(
            { .resetQuotas(selection, uid: $0) }, for: [QuotaReport].self,
            text: { QuotaReport.resetText($0) },
            record: { QuotaReport.subject(selection, before: before, after: $0) })
    }
}

enum QuotaPeriod: String, ExpressibleByArgument, CaseIterable { case day, month }

extension QuotaReport {
    /// What `modelbroker quota reset` prints.
    package static func resetText(_ quotas: [QuotaReport]) -> String {
        if quotas.isEmpty { return "there is no such quota\n" }
        return quotas.map { "nothing is used of \($0.title)\n".printableLine }.joined()
    }

    /// The audit line of it.
    package static func subject(
        _ selection: QuotaSelection, before: [QuotaReport], after: [QuotaReport]
    ) -> AuditRecord.Subject {
        let used = Dictionary(before.map { ($0.title, $0.used) }) { first, _ in first }
        let changes = after.compactMap { quota -> (String, QoSChangeReport.Item)? in
            guard let before = used[quota.title], before != quota.used else { return nil }
            return (quota.title, .init(before: "\(before)", after: "\(quota.used)"))
        }
        return AuditRecord.Subject(
            action: .quotaReset, model: selection.model, client: selection.client,
            changes: Dictionary(changes) { first, _ in first })
    }
}
