internal import ArgumentParser
internal import Catalog
internal import Control
private import Glibc
internal import Identity

struct KeyNew: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "new",
        abstract: "Make an API key for a client, and print it this once.",
        discussion: """
            The key is made here; the agent gets and keeps a salted hash of it, and takes it at once, also after a restart. \
            On standard output there is the key and nothing else, on standard error the rest. With --offline no agent is \
            asked, and what is to be kept is printed for the configuration. It is a line in audit.jsonl in the run directory, and an event.

            Examples:
              modelbroker key new checkout --expires 90d
              modelbroker key new checkout > /run/checkout.key
              modelbroker key new checkout --offline -j | jq -r .stored
            """)

    @Argument(help: "The client's name.")
    var client: String

    @Option(help: ArgumentHelp("What the key is called; by default something random.", valueName: "id"))
    var id: String?

    @Option(help: ArgumentHelp("To when it holds: 90d, 12h, 2027-01-01 or 2027-01-01T08:00:00Z.", valueName: "time"))
    var expires: String?

    @Option(help: ArgumentHelp("From when it holds, likewise.", valueName: "time"))
    var notBefore: String?

    @Flag(help: "Ask no agent; print what goes into the configuration.")
    var offline = false

    @OptionGroup var global: GlobalOptions

    func validate() throws {
        let now = Int64(time(nil))
        guard NameCheck.isClient(client), KeyText.hidden(in: client) == client else {
            throw ValidationError("CLIENT is the name of a client: 1 to 63 letters, digits, dots, underscores or hyphens")
        }
        if let id, !KeyText.isID(id) { throw ValidationError("--id takes 1 to 32 small letters, digits and hyphens") }
        let from = try moment(notBefore, "--not-before", now)
        let to = try moment(expires, "--expires", now)
        if let to, to <= now { throw ValidationError("--expires is in the past") }
        if let from, let to, to <= from { throw ValidationError("--expires is not after --not-before") }
    }

    private func moment(_ text: String?, _ option: String, _ now: Int64) throws -> Int64? {
        guard let text else { return nil }
        guard let moment = KeyArguments.moment(text, now: now) else {
            throw ValidationError("\(option) takes \(KeyArguments.form)")
        }
        return moment
    }

    func run() throws {
        let now = Int64(time(nil))
        let (from, to) = (try moment(notBefore, "--not-before", now), try moment(expires, "--expires", now))
        guard let new = NewKey(id: id, notBefore: from, expires: to) else { throw CommandError("no key could be made") }
        let report = NewKeyReport(new, client: client)
        if offline { return try show(report) }
        let key = new.key
        try AgentEdit(global).run(
            {
                .addKey(
                    KeyRequest(
                        client: client, id: key.id, salt: Hexadecimal.text(key.salt), digest: Hexadecimal.text(key.digest),
                        notBefore: from, expires: to, uid: $0))
            }, for: KeyReport.self, record: \.created
        ) { _ in try show(report) }
    }

    private func show(_ report: NewKeyReport) throws {
        let text = try global.output.text(report) { report, _ in report.secret + "\n" }
        guard Terminal.write(text, to: Terminal.standardOutput) else {
            let remedy = offline ? "" : "; it is in force, and nobody has it: modelbroker key revoke \(report.id)"
            throw CommandError("the key could not be written to standard output" + remedy)
        }
        guard global.output.format == .table else { return }
        Terminal.write(report.note(isOffline: offline), to: Terminal.standardError)
    }
}
