internal import Control
private import Glibc

/// A change by hand that the agent makes, from beginning to end: change, audit line, output.
struct AgentEdit {
    private let global: GlobalOptions
    private let client: ControlClient
    private let uid = getuid()

    /// - Parameter client: nil: with the usual patience.
    init(_ global: GlobalOptions, _ client: ControlClient? = nil) {
        self.global = global
        self.client = client ?? global.client
    }

    /// - Parameters:
    ///   - request: what is asked of the agent, for this user.
    ///   - record: the audit line of what it did; it is completed with who and when.
    func run<Report: Codable>(
        _ request: (_ uid: UInt32) -> ControlRequest, for type: Report.Type, text: (Report) -> String,
        record: (Report) -> AuditRecord.Subject
    ) throws {
        try run(request, for: type, record: record) { report in
            try global.output.show(report) { report, _ in text(report) }
        }
    }

    /// - Parameter show: prints what came of it.
    func run<Report: Codable>(
        _ request: (_ uid: UInt32) -> ControlRequest, for type: Report.Type,
        record: (Report) -> AuditRecord.Subject, show: (Report) throws -> Void
    ) throws {
        // Once the agent is there, and before anything is changed: what cannot be told of is not done.
        let (report, audit) = try client.ask(request(uid), for: type) {
            try AuditFile(runDirectory: global.runDirectory)
        }
        let recorded = append(record(report), to: audit)
        try show(report)
        if !recorded { throw CommandFailed() }
    }

    /// The change is in force, whatever becomes of its line.
    private func append(_ subject: AuditRecord.Subject, to audit: AuditFile) -> Bool {
        do {
            try audit.append(
                AuditRecord(time: Timestamp.now(), uid: uid, loginUid: LoginUser.current(), pid: getpid(), subject))
            return true
        } catch {
            Terminal.complain("the change is in force, but not in the audit file: \(error)".printable)
            return false
        }
    }
}
