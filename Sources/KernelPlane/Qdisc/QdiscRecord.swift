internal import Catalog

/// What the agent notes in the run directory about the device that it has put a tree on: for the agent after it, and for
/// the CLI when none runs.
package struct QdiscRecord: Hashable, Sendable, Codable {
    /// The file's name in the run directory.
    package static let fileName = "qdisc.json"

    package struct Model: Hashable, Sendable, Codable {
        package var slot: UInt32
        package var name: String
        /// `guaranteed`, `burstable` or `best-effort`.
        package var service: String
        /// Sure of less than its bandwidth, since the device has not got it.
        package var short: Bool
    }

    package var device: String
    /// Bytes per second.
    package var rate: UInt64
    /// What stood there before; nil: the system's default.
    package var former: FormerQdisc?
    package var models: [Model]

    package init(device: String, rate: UInt64, former: FormerQdisc?, models: [Model] = []) {
        self.device = device
        self.rate = rate
        self.former = former
        self.models = models
    }

    /// Notes whose classes the plan's are.
    package mutating func note(_ plan: QdiscPlan, _ models: [QdiscModel]) {
        let short = Set(plan.short)
        rate = plan.rate
        self.models = models.sorted { $0.slot < $1.slot }.map { model in
            Model(
                slot: model.slot, name: model.name, service: model.qos.effectiveService.rawValue,
                short: short.contains(model.slot))
        }
    }
}
