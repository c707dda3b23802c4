internal import Catalog
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
    }

    init(pinDirectory: String) throws {
        _ = try PinnedPlane.open(pinDirectory)
    }

    func reports() throws -> [QoSReport] { [] }

    func report(of model: String) throws -> QoSReport { throw unknown(model, []) }

    /// Throws if the model has no entry.
    func expect(_ model: String) throws { throw unknown(model, []) }

    func set(_ model: String, _ change: QoS, by uid: UInt32) throws -> Change { throw unknown(model, []) }

    func reset(_ model: String, by uid: UInt32) throws -> Change { throw unknown(model, []) }

    func endpoints(of model: String?) throws -> [DirectEndpointReport] { [] }

    func detail(of report: ModelReport, _ client: ControlClient) throws -> ModelDetail { ModelDetail(report) }

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

    /// Puts the entries on the live sockets; nil: that cannot be done at once.
    func reapply() -> Int? { nil }

    private func unknown(_ model: String, _ names: [String]) -> CommandError {
        UnknownModel.error(model, among: names)
    }
}
