internal import ArgumentParser
package import Control
internal import Identity

struct KeyRevoke: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "revoke",
        abstract: "Forget a key that was made with `modelbroker key new`.",
        discussion: """
            When the command returns nobody gets in with it any more; what is under way goes on to its end. Keys of the \
            configuration are ended there. It is a line in audit.jsonl in the run directory, and an event.

            Example:
              modelbroker key revoke k3v9x0m2ab
            """)

    @Argument(help: "The key's id, as `modelbroker key list` shows it.")
    var id: String

    @OptionGroup var global: GlobalOptions

    func validate() throws {
        // What is a key, or something that only looks like one, is not repeated.
        guard id.utf8.count <= 128 else { throw ValidationError("that is longer than an id can be") }
        guard KeyText.hidden(in: id) == id else {
            throw ValidationError("that is a key, and now in your shell's history; its id is what stands between the underscores")
        }
    }

    func run() throws {
        try AgentEdit(global).run(
            { .revokeKey(id: id, uid: $0) }, for: KeyReport.self, text: \.revokedText, record: \.revoked)
    }
}

extension KeyReport {
    /// What `modelbroker key revoke` prints.
    package var revokedText: String { "\(id) of \(client) is a key no more\n".printableLine }

    package var revoked: AuditRecord.Subject {
        AuditRecord.Subject(
            action: .keyRevoke, key: id, client: client, changes: ["state": .init(before: state, after: "revoked")])
    }

    package var created: AuditRecord.Subject {
        AuditRecord.Subject(action: .keyNew, key: id, client: client, changes: ["state": .init(before: "none", after: state)])
    }
}
