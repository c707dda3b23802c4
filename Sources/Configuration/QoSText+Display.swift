package import Catalog

/// The other way: values as these texts would be read again.
extension QoSText {
    /// What stands for a limit that is not there; no value of the configuration, but one of `qos set`.
    package static let none = "none"

    /// Units in which a bandwidth is shown, where it is a whole number of them.
    private static let shown = ["Tbit", "GiB", "Gbit", "MiB", "Mbit", "KiB", "kbit"]

    package static func rate(_ rate: Rate) -> String { rate.isUnlimited ? none : rate.description }

    package static func count(_ count: UInt64) -> String { count == QoS.unlimited ? none : String(count) }

    /// Units by the second; nil: unlimited.
    package static func perSecond(_ rate: Rate) -> Double? {
        rate.isUnlimited ? nil : Double(rate.units) * 1e9 / Double(rate.window.nanoseconds)
    }

    package static func priority(_ priority: UInt8) -> String {
        priorityNames.first { $0.value == priority }?.name ?? String(priority)
    }

    /// In the largest unit of which it is a whole number: `50MiB/s`, `200Mbit/s`.
    package static func bandwidth(_ bytesPerSecond: UInt64) -> String {
        guard bytesPerSecond != QoS.unlimited else { return none }
        let units = shown.compactMap { name in bandwidthUnits.first { $0.name == name } }
        let (bits, overflow) = bytesPerSecond.multipliedReportingOverflow(by: 8)
        guard !overflow, bits > 0, let unit = units.first(where: { bits.isMultiple(of: $0.bits) }) else {
            return "\(bytesPerSecond)B/s"
        }
        return "\(bits / unit.bits)\(unit.name)/s"
    }
}
