internal import Catalog
internal import Configuration
internal import Control
private import Glibc
internal import KernelPlane

/// The pinned entries, as the commands see them.
struct QoSPlane {
    /// What a change by hand made of an entry.
    struct Change {
        var before: QoS
        var after: QoSSettings
        var version: UInt64

        init(_ change: QoSChange) {
            before = change.before
            after = QoSSettings(configured: change.configured, live: change.live, inForce: change.inForce)
            version = change.version
        }
    }

    private let table: QoSTable
    private let inspector: PlaneInspector

    init(pinDirectory: String) throws {
        guard access(pinDirectory, F_OK) == 0 || errno != ENOENT else { throw PinnedPlane.nothing(pinDirectory) }
        table = try QoSTable(pinDirectory: pinDirectory)
        inspector = try PlaneInspector(pinDirectory: pinDirectory)
    }

    func reports() throws -> [QoSReport] {
        let meters = try inspector.meters()
        return try table.models().map { QoSReport($0).metered(meters) }
    }

    func report(of model: String) throws -> QoSReport {
        let entry = try entry(model)
        return QoSReport(entry).metered(try inspector.meters(model: entry.slot))
    }

    /// Throws if the model has no entry.
    func expect(_ model: String) throws { _ = try entry(model) }

    func set(_ model: String, _ change: QoS, by uid: UInt32) throws -> Change {
        let change = try table.set(model, change, by: uid) { merged in
            QoSCheck.faults(merged).first.map { fault in
                "--\(QoSField(rawValue: fault.key)?.optionName ?? fault.key) \(fault.message)"
            }
        }
        return Change(change)
    }

    func reset(_ model: String, by uid: UInt32) throws -> Change { Change(try table.reset(model, by: uid)) }

    /// Puts the entries on the live sockets; nil: that cannot be done at once.
    func reapply() -> Int? {
        guard table.canReapply else { return nil }
        do {
            return try table.reapply()
        } catch {
            Terminal.complain("the change is in force for what comes; not yet on open connections: \(error)")
            return nil
        }
    }

    /// Those on the direct path.
    func endpoints() throws -> [EndpointReport] {
        let names = try names()
        return try inspector.endpoints(model: nil).map { EndpointReport($0, model: names[$0.model] ?? "#\($0.model)") }
    }

    /// The agent's report with what the maps say of the model beside it.
    func detail(of report: ModelReport, _ client: ControlClient) throws -> ModelDetail {
        guard let entry = try table.model(report.name) else { return ModelDetail(report) }
        let facts = AgentFacts(clients: try client.ask(.clients, for: [ClientReport].self), models: [report])
        let meters = try inspector.meters(model: entry.slot)
        return ModelDetail(
            report, qos: QoSReport(entry).metered(meters).named(by: facts),
            direct: meters.map { DirectMeterReport($0).named(by: facts) })
    }

    /// Names of models by slot.
    func names() throws -> [UInt32: String] {
        Dictionary(try table.models().map { ($0.slot, $0.name) }) { first, _ in first }
    }

    /// What the maps say beside the agent's answer; nil: nothing is pinned, or it cannot be read, which is said.
    static func beside<Value>(_ pinDirectory: String, _ body: (QoSPlane) throws -> Value) -> Value? {
        guard access(pinDirectory, F_OK) == 0 else { return nil }
        do {
            return try body(QoSPlane(pinDirectory: pinDirectory))
        } catch {
            Terminal.complain("\(error)")
            return nil
        }
    }

    private func entry(_ model: String) throws -> ModelQoS {
        if let entry = try table.model(model) { return entry }
        throw UnknownModel.error(model, among: try table.models().map(\.name))
    }
}
