internal import Catalog

/// The classes that a device's tree should have:
///
///     1:            the qdisc; what names no class goes to 1:2
///     1:1           the device: rate and ceil are its rate
///       1:2         everything else
///       1:slot+10   a model
///
/// What all are sure of together is never more than the device's rate, since HTB would not stop them from sending it. If
/// the bandwidths ask for more, the guaranteed ones come first, then the others by priority; what one rank cannot have
/// in full is shared out in it by what was asked for. What nobody is sure of, or nobody uses, is borrowed by priority.
package struct QdiscPlan: Hashable, Sendable {
    /// Bytes per second of the device.
    package let rate: UInt64
    /// By minor number, the device's own first.
    package let classes: [QdiscClass]
    /// Slots of models that are sure of less than their bandwidth.
    package let short: [UInt32]
    /// HTB's divisor from a rate to a quantum; only shown, since each class states its own.
    package let rateToQuantum: UInt32

    /// - Parameter models: with different slots.
    package init(rate: UInt64, models: [QdiscModel], scheduler: PacketScheduler = .usual) {
        let rate = min(max(rate, 1), Self.fastest)
        let demands = models.map { Demand($0, device: rate) }.sorted { $0.minor < $1.minor }
        let assurance = Assurance(rate: rate, demands: demands)
        let divisor = max(1, rate / Self.largestQuantum)
        func form(_ minor: UInt32, _ assured: UInt64, _ ceil: UInt64, _ priority: UInt32) -> QdiscClass {
            QdiscClass(
                minor: minor, rate: assured, ceil: ceil, priority: priority,
                quantum: UInt32(clamping: min(max(assured / divisor, Self.smallestQuantum), Self.largestQuantum)),
                buffer: scheduler.ticks(bytes: scheduler.burst(rate: assured), rate: assured),
                ceilBuffer: scheduler.ticks(bytes: scheduler.burst(rate: ceil), rate: ceil))
        }
        self.rate = rate
        classes =
            [form(QdiscClass.device, rate, rate, 0), form(QdiscClass.others, assurance.others, rate, Self.middlePriority)]
            + zip(demands, assurance.models).map { form($0.minor, $1, $0.ceil, $0.priority) }
        short = zip(demands, assurance.models).filter { $1 < $0.wanted }.map { demand, _ in demand.slot }
        rateToQuantum = UInt32(clamping: divisor)
    }

    /// A petabyte per second: faster than any device, and slow enough to add up.
    private static let fastest: UInt64 = 1 << 50

    /// A full frame, and what the kernel warns of from there on.
    private static let smallestQuantum: UInt64 = 1600
    private static let largestQuantum: UInt64 = 200_000

    /// HTB's number of what has no priority of its own.
    package static let middlePriority: UInt32 = 3

    /// HTB's number for a SO_PRIORITY: the three bands that the kernel's own prio2band makes of it, and 7 above 6.
    package static func priority(_ priority: UInt8?) -> UInt32 {
        switch priority {
        case 7: 0
        case 6: 1
        case nil, 0, 4: middlePriority
        default: 5
        }
    }
}

/// What a model asks for.
private struct Demand {
    let slot: UInt32
    /// Bytes per second that it wants to be sure of; 0: nothing.
    let wanted: UInt64
    let ceil: UInt64
    let priority: UInt32
    let isGuaranteed: Bool

    var minor: UInt32 { slot + QdiscClass.firstModel }

    init(_ model: QdiscModel, device rate: UInt64) {
        slot = model.slot
        let service = model.qos.effectiveService
        wanted = service == .bestEffort ? 0 : min(model.qos.bandwidth ?? 0, rate)
        ceil = max(1, model.qos.ceiling(device: rate))
        priority = QdiscPlan.priority(model.qos.priority)
        isGuaranteed = service == .guaranteed
    }
}

/// Who is sure of how much.
private struct Assurance {
    private(set) var others: UInt64
    /// In the order of the demands.
    private(set) var models: [UInt64]
    private var left: UInt64

    init(rate: UInt64, demands: [Demand]) {
        let floor = Self.floor(rate, classes: UInt64(demands.count) + 1)
        // Name look-ups, probes and shells of the node go on, whatever the models do.
        others = max(floor, rate / 20)
        models = demands.map { min(floor, $0.ceil) }
        left = rate - min(rate, models.reduce(others, +))
        let ranks = Dictionary(grouping: demands.indices) { Rank(demands[$0]) }
        for (_, members) in ranks.sorted(by: { $0.key < $1.key }) { share(among: members, demands) }
    }

    /// HTB takes no rate of zero: a hundredth of the device for all together, and no more than 12,500 bytes per second each.
    private static func floor(_ rate: UInt64, classes: UInt64) -> UInt64 { max(1, min(rate / 100 / classes, 12_500)) }

    private mutating func share(among members: [Int], _ demands: [Demand]) {
        let missing = members.map { demands[$0].wanted - min(demands[$0].wanted, models[$0]) }
        let total = missing.reduce(0, +)
        let pot = min(left, total)
        guard pot > 0 else { return }
        for (member, amount) in zip(members, missing) {
            // Rounded down, so that the pot suffices.
            let product = amount.multipliedFullWidth(by: pot)
            let part = total.dividingFullWidth(product).quotient
            models[member] += part
            left -= part
        }
    }

    private struct Rank: Hashable, Comparable {
        let order: UInt32

        init(_ demand: Demand) { order = demand.isGuaranteed ? 0 : demand.priority + 1 }

        static func < (one: Rank, other: Rank) -> Bool { one.order < other.order }
    }
}
