package import Control

extension AuditRecord {
    /// What the agent was asked to do, and what it changed.
    package struct Subject: Hashable, Sendable {
        package var action: Action
        package var url: String?
        package var name: String?
        package var model: String?
        package var key: String?
        package var client: String?
        package var changes: [String: QoSChangeReport.Item] = [:]
    }

    package init(time: String, uid: UInt32, loginUid: UInt32?, pid: Int32, _ subject: Subject) {
        self.init(
            time: time, action: subject.action, uid: uid, loginUid: loginUid, pid: pid, model: subject.model, url: subject.url,
            name: subject.name, key: subject.key, client: subject.client, changes: subject.changes)
    }
}

extension DrainReport {
    package var subject: AuditRecord.Subject {
        func text(_ isDrained: Bool) -> String { isDrained ? "drained" : "in use" }
        return AuditRecord.Subject(
            action: isDrained ? .endpointDrain : .endpointEnable, url: url,
            changes: isChanged ? ["state": .init(before: text(!isDrained), after: text(isDrained))] : [:])
    }
}

extension RotationReport {
    package var subject: AuditRecord.Subject {
        AuditRecord.Subject(
            action: .poolRotate, name: name,
            changes: from == to ? [:] : ["endpoint": .init(before: from ?? "none", after: to ?? "none")])
    }
}
