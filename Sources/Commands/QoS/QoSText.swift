package import Catalog

/// Values of an entry as people write them: what these print, `qos set` and the configuration take.
package enum QoSText {
    /// What stands for a limit that is not there.
    package static let none = "none"

    package static func rate(_ rate: Rate) -> String { rate.isUnlimited ? none : rate.description }

    package static func count(_ count: UInt64) -> String { count == QoS.unlimited ? none : String(count) }

    /// Units by the second; nil: unlimited.
    package static func perSecond(_ rate: Rate) -> Double? {
        rate.isUnlimited ? nil : Double(rate.units) * 1e9 / Double(rate.window.nanoseconds)
    }

    package static func priority(_ priority: UInt8) -> String {
        priorityNames.first { $0.value == priority }?.name ?? String(priority)
    }

    /// The largest unit in which it is a whole number: `50MiB/s`, `200Mbit/s`.
    package static func bandwidth(_ bytesPerSecond: UInt64) -> String {
        guard bytesPerSecond != QoS.unlimited else { return none }
        let unit = bandwidthUnits.first { bytesPerSecond >= $0.bytes && bytesPerSecond.isMultiple(of: $0.bytes) }
        return unit.map { "\(bytesPerSecond / $0.bytes)\($0.name)/s" } ?? "\(bytesPerSecond)B/s"
    }

    static let priorityNames: [(name: String, value: UInt8)] = [("high", 6), ("normal", 0), ("low", 2)]
    private static let bandwidthUnits: [(name: String, bytes: UInt64)] = [
        ("GiB", 1 << 30), ("Gbit", 125_000_000), ("MiB", 1 << 20), ("Mbit", 125_000), ("KiB", 1 << 10), ("kbit", 125),
    ]
    static let bitUnits: [String: UInt64] = [
        "bit": 1, "kbit": 1000, "Mbit": 1_000_000, "Gbit": 1_000_000_000, "B": 8, "KB": 8000, "MB": 8_000_000,
        "GB": 8_000_000_000, "KiB": 8 << 10, "MiB": 8 << 20, "GiB": 8 << 30,
    ]
}
