internal import Control
private import Glibc

/// A change by hand from beginning to end: change, audit line, notice to the agent, output.
struct QoSEdit {
    private let action: AuditRecord.Action
    private let model: String
    private let global: GlobalOptions

    init(_ action: AuditRecord.Action, of model: String, _ global: GlobalOptions) {
        self.action = action
        self.model = model
        self.global = global
    }

    /// - Parameters:
    ///   - given: fields to show even where they stay as they are.
    ///   - change: makes the change.
    func run(given: Set<QoSField>, _ change: (QoSPlane, UInt32) throws -> QoSPlane.Change) throws {
        let plane = try QoSPlane(pinDirectory: global.pinDirectory)
        try plane.expect(model)
        // Before anything is changed: what cannot be told of is not done.
        let audit = try AuditFile(runDirectory: global.runDirectory)
        let uid = getuid()
        let done = try change(plane, uid)
        let report = QoSChangeReport(
            model: model, version: done.version, uid: uid, before: done.before, after: done.after, given: given,
            socketsReached: plane.reapply())
        refreshClass()
        let recorded = record(report, in: audit)
        announce(report)
        try global.output.show(report) { report, _ in report.text }
        if !recorded { throw CommandFailed() }
    }

    /// Brings the model's class in the tree of `node.qdisc` to the entry; a running agent would do it a moment later.
    private func refreshClass() {
        do {
            try QdiscUpkeep.refresh(runDirectory: global.runDirectory, pinDirectory: global.pinDirectory)
        } catch {
            Terminal.complain("the change is in force, but not in the model's HTB class: \(error)".printable)
        }
    }

    /// The change is in force, whatever becomes of its line.
    private func record(_ report: QoSChangeReport, in audit: AuditFile) -> Bool {
        do {
            try audit.append(
                AuditRecord(
                    time: Timestamp.now(), action: action, uid: report.uid, loginUid: LoginUser.current(), pid: getpid(),
                    model: model, version: report.version, changes: report.changes))
            return true
        } catch {
            Terminal.complain("the change is in force, but not in the audit file: \(error)".printable)
            return false
        }
    }

    private func announce(_ report: QoSChangeReport) {
        let change = action == .qosReset ? "reset: \(report.summary)" : report.summary
        let notice = QoSNotice(model: model, uid: report.uid, change: change)
        do {
            _ = try global.client.ask(.qosChanged(notice), for: Acknowledgement.self)
        } catch ClientError.notRunning {
            // Its audit line is all that there is to see then.
        } catch {
            Terminal.complain("the change is in force, but could not be made an event: \(error)")
        }
    }
}
