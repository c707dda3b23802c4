package import Catalog

/// The values of a model's entry as people write them: what the configuration and `qos set` take. A reading is nil where the
/// text is no such value; the form beside it says what would be one, to stand behind "is not" or "takes".
package enum QoSText {
    /// Units of a rate in its window, and of a burst.
    package static let maximumUnits: UInt64 = 1_000_000_000
    /// 1 KiB/s to 1 Tbit/s, in bytes per second.
    package static let bandwidths: ClosedRange<UInt64> = 1024...125_000_000_000

    package static let rateForm =
        "a rate (100/s, 6000/m, 50000/h or 1000000/d, at most \(maximumUnits) in it; 0/s refuses everything)"
    package static let burstForm = "a whole number from 1 to \(maximumUnits)"
    package static let connectionsForm = "a whole number from 0 to \(maximumUnits) (0 admits no connection)"
    package static let bandwidthForm =
        "a bandwidth from 1KiB/s to 1Tbit/s (50MiB/s, 200Mbit/s, 500KB/s; to stop a model write connects 0/s)"
    package static let deviceRateForm = "a bandwidth from 1KiB/s to 1Tbit/s (10Gbit/s, 500MiB/s)"
    package static let priorityForm = "high, normal, low or a number from 0 to 7"
    package static let dscpForm = "a number from 0 to 63"
    package static let modeForm = "enforce or observe"
    package static let serviceForm = "guaranteed, burstable or best-effort"

    package static func rate(_ text: String) -> Rate? {
        let parts = text.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
        guard parts.count == 2, let window = Rate.Window(rawValue: String(parts[1])) else { return nil }
        return number(parts[0], in: 0...maximumUnits).map { Rate($0, per: window) }
    }

    package static func burst(_ text: String) -> UInt64? { number(text, in: 1...maximumUnits) }

    package static func connections(_ text: String) -> UInt64? { number(text, in: 0...maximumUnits) }

    /// Bytes per second; a number of bits is rounded down to whole bytes.
    package static func bandwidth(_ text: String) -> UInt64? {
        guard text.hasSuffix("/s") else { return nil }
        let amount = text.prefix { $0.isASCII && $0.isNumber }
        let unit = text[amount.endIndex...].dropLast(2)
        guard let number = NumberText.digits(amount).flatMap({ UInt64(exactly: $0) }) else { return nil }
        guard let known = bandwidthUnits.first(where: { $0.name == unit }) else { return nil }
        let (bits, overflow) = number.multipliedReportingOverflow(by: known.bits)
        guard !overflow, bandwidths.contains(bits / 8) else { return nil }
        return bits / 8
    }

    package static func priority(_ text: String) -> UInt8? {
        priorityNames.first { $0.name == text }?.value ?? number(text, in: 0...7).map { UInt8($0) }
    }

    package static func dscp(_ text: String) -> UInt8? { number(text, in: 0...63).map { UInt8($0) } }

    package static func mode(_ text: String) -> QoS.Mode? { QoS.Mode(rawValue: text) }

    package static func service(_ text: String) -> QoS.Service? { QoS.Service(rawValue: text) }

    private static func number(_ text: some StringProtocol, in range: ClosedRange<UInt64>) -> UInt64? {
        NumberText.digits(text).flatMap { UInt64(exactly: $0) }.flatMap { range.contains($0) ? $0 : nil }
    }

    static let priorityNames: [(name: String, value: UInt8)] = [("high", 6), ("normal", 0), ("low", 2)]

    static let bandwidthUnits: [(name: String, bits: UInt64)] = [
        ("B", 8), ("KiB", 8 << 10), ("MiB", 8 << 20), ("GiB", 8 << 30), ("TiB", 8 << 40), ("KB", 8_000), ("MB", 8_000_000),
        ("GB", 8_000_000_000), ("bit", 1), ("kbit", 1_000), ("Mbit", 1_000_000), ("Gbit", 1_000_000_000),
        ("Tbit", 1_000_000_000_000),
    ]
}
