internal import Catalog
internal import Control
private import Glibc
internal import KernelPlane

/// Keeps the tree of `node.qdisc` on its device, and notes in the run directory what stood there before it touches
/// anything, so that every agent after this one, and the CLI, can put it back.
struct QdiscKeeper: Sendable {
    /// What became of a device.
    enum Outcome: Hashable, Sendable {
        case built
        /// A tree of an earlier agent's, or of ours.
        case updated(QdiscChange)
    }

    private let path: String
    /// One for each device with a tree: two while one takes over from the other.
    private(set) var records: [QdiscRecord]

    init(runDirectory: String) {
        path = runDirectory + "/" + QdiscRecord.fileName
        records = (try? File.read(path, limit: 16 << 20)).flatMap { try? ControlLine.decode([QdiscRecord].self, from: $0) } ?? []
    }

    /// Brings the device's tree to what the models need; builds it if it does not stand.
    ///
    /// - Throws: a sentence about `node.qdisc`; the device is as it was then, except that an update may be half done.
    @discardableResult
    mutating func stand(on qdisc: Qdisc, _ models: [QdiscModel]) throws(AgentError) -> Outcome {
        let tree = QdiscTree(device: qdisc.device)
        let plan = QdiscPlan(rate: qdisc.rate, models: models, scheduler: .here())
        let known = records.first { $0.device == qdisc.device }
        do {
            switch try tree.standing(recorded: known != nil) {
            case .ours:
                var record = known ?? QdiscRecord(device: qdisc.device, rate: qdisc.rate, former: nil)
                let change = try tree.update(to: plan)
                record.note(plan, models)
                if record != known { try write(record) }
                return .updated(change)
            case .systemDefault: try build(tree, plan, models, over: nil)
            case .restorable(let former): try build(tree, plan, models, over: former)
            case .foreign(let what): throw AgentError("node.qdisc: \(tree.refusal(what))")
            }
            return .built
        } catch let error as KernelPlaneError {
            throw AgentError("node.qdisc: \(error)")
        } catch let error as AgentError {
            throw error
        } catch {
            throw AgentError("node.qdisc: \(error)")
        }
    }

    /// Puts back what stood on the other devices before.
    mutating func withdraw(except kept: String? = nil) -> (restored: [String], failed: [String]) {
        withdraw { $0 != kept }
    }

    /// Puts back what stood on these devices before. Returns what was done and what could not be, in words.
    mutating func withdraw(_ leaves: (String) -> Bool) -> (restored: [String], failed: [String]) {
        var restored: [String] = []
        var failed: [String] = []
        for record in records where leaves(record.device) {
            do {
                if try QdiscTree(device: record.device).restore(record.former) {
                    restored.append("\(record.device): \(record.former.map { "\($0)" } ?? "the system's default")")
                }
            } catch {
                // A device that has gone has taken the tree along.
                if error.errno != ENODEV { failed.append(error.description) }
            }
        }
        try? save(records.filter { !leaves($0.device) })
        return (restored, failed)
    }

    private mutating func build(
        _ tree: QdiscTree, _ plan: QdiscPlan, _ models: [QdiscModel], over former: FormerQdisc?
    ) throws {
        var record = QdiscRecord(device: tree.device, rate: plan.rate, former: former)
        record.note(plan, models)
        try write(record)
        do {
            try tree.build(plan, over: former)
        } catch {
            forget(tree.device)
            throw error
        }
    }

    private mutating func write(_ record: QdiscRecord) throws {
        try save(records.filter { $0.device != record.device } + [record])
    }

    private mutating func forget(_ device: String) { try? save(records.filter { $0.device != device }) }

    private mutating func save(_ records: [QdiscRecord]) throws {
        self.records = records
        if records.isEmpty {
            unlink(path)
        } else {
            try File.replace(path, with: try ControlLine.encode(records), mode: 0o600)
        }
    }
}
