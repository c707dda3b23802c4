package import Catalog

/// Whether the values of an entry go together, each of which is right by itself. For the file's entry, and for the one that
/// `qos set` would put into force.
package enum QoSCheck {
    /// What is wrong with one of the entry's fields.
    package struct Fault: Hashable, Sendable {
        /// As the configuration spells it: `tokenBurst`.
        package let key: String
        /// Stands behind the key: `class: guaranteed needs a bandwidth …`.
        package let message: String
    }

    /// A bucket that takes longer than this to fill: its debts would leave what 64 bits of nanoseconds can hold.
    private static let longestFill: UInt64 = 365 * 86_400_000_000_000

    package static func faults(_ qos: QoS) -> [Fault] {
        let limits = [
            ("requests", qos.requests, "burst", qos.burst), ("tokens", qos.tokens, "tokenBurst", qos.tokenBurst),
            ("connects", qos.connects, "connectBurst", qos.connectBurst),
        ]
        return limits.compactMap { burstFault($0, $1, $2, $3) } + [serviceFault(qos)].compactMap(\.self)
    }

    /// nil: nothing is wrong with them.
    static func burstFault(_ rateKey: String, _ rate: Rate?, _ key: String, _ burst: UInt64?) -> Fault? {
        guard let burst else { return nil }
        guard let rate else { return Fault(key: key, message: "is the burst of \(rateKey), which is not given") }
        guard !rate.isUnlimited, rate.units > 0 else { return nil }
        let period = rate.window.nanoseconds / rate.units
        let (fill, overflow) = burst.multipliedReportingOverflow(by: period)
        guard overflow || fill > longestFill else { return nil }
        return Fault(key: key, message: "is more than \(rateKey) of \(rate) would bring in a year")
    }

    private static func serviceFault(_ qos: QoS) -> Fault? {
        guard let service = qos.service, service != .bestEffort, qos.bandwidth == nil else { return nil }
        return Fault(key: "class", message: "\(service.rawValue) needs a bandwidth to be sure of; give bandwidth, too")
    }
}
