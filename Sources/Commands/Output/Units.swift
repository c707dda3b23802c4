internal import Control

/// Numbers as people read them; JSON keeps the raw ones.
package enum Units {
    /// `512 B`, `1.5 KiB`, `12 MiB`: three digits at most beside the unit.
    package static func bytes(_ count: UInt64) -> String {
        guard count >= 1024 else { return "\(count) B" }
        var value = Double(count)
        var unit = 0
        // 1023.5 would be printed as 1024.
        while value >= 1023.5, unit < byteUnits.count - 1 {
            value /= 1024
            unit += 1
        }
        return "\(short(value)) \(byteUnits[unit])"
    }

    /// A time span with the one or two units that matter: `350ms`, `12s`, `3m12s`, `45m`, `2h5m`, `30h`, `5d`.
    package static func duration(milliseconds: UInt64) -> String {
        let seconds = milliseconds / 1000
        let minutes = seconds / 60
        let hours = minutes / 60
        if milliseconds < 1000 { return "\(milliseconds)ms" }
        if seconds < 60 { return "\(seconds)s" }
        if minutes < 10 { return "\(minutes)m" + rest(seconds % 60, "s") }
        if minutes < 60 { return "\(minutes)m" }
        if hours < 10 { return "\(hours)h" + rest(minutes % 60, "m") }
        if hours < 48 { return "\(hours)h" }
        return "\(hours / 24)d"
    }

    /// A latency: `850us`, `12.3ms`, `1.3s`; a dash for nil.
    package static func latency(microseconds: UInt64?) -> String {
        guard let microseconds else { return absent }
        if microseconds < 1000 { return "\(microseconds)us" }
        if microseconds < 999_500 { return "\(short(Double(microseconds) / 1000))ms" }
        return "\(short(Double(microseconds) / 1_000_000))s"
    }

    /// A nanosecond mean, as `prog list` shows it.
    package static func nanoseconds(_ count: UInt64) -> String {
        count < 1000 ? "\(count)ns" : latency(microseconds: count / 1000)
    }

    /// `1 model`, `2 models`.
    package static func count(_ number: Int, _ noun: String) -> String {
        "\(number) \(noun)\(number == 1 ? "" : "s")"
    }

    /// What a strategy compares, in up to four digits behind the point and none that is zero: `0.25`, `17`, `1234.5`.
    package static func score(_ value: Double) -> String { decimal(value, scale: 10_000) }

    /// The same in one digit: `6.9`, `1500.5`.
    package static func tenths(_ value: Double) -> String { decimal(value, scale: 10) }

    private static func decimal(_ value: Double, scale: Int) -> String {
        guard value.isFinite, value.magnitude < 1e12 else { return "\(value)" }
        let scaled = Int((value.magnitude * Double(scale)).rounded())
        let whole = scaled / scale
        var decimals = String(scaled % scale + scale).dropFirst()
        while decimals.last == "0" { decimals.removeLast() }
        let sign = value < 0 && scaled > 0 ? "-" : ""
        return decimals.isEmpty ? "\(sign)\(whole)" : "\(sign)\(whole).\(decimals)"
    }

    /// An amount of money: `20.5`, `0.000125`.
    package static func money(millionths: UInt64) -> String {
        var decimals = String(millionths % 1_000_000 + 1_000_000).dropFirst()
        while decimals.last == "0" { decimals.removeLast() }
        return "\(millionths / 1_000_000)" + (decimals.isEmpty ? "" : ".\(decimals)")
    }

    /// `2027-01-01T00:00:00Z`
    package static func moment(epochSeconds: Int64) -> String {
        // Without the milliseconds, which a configuration would not have.
        Timestamp.text(seconds: Int(epochSeconds), milliseconds: 0).dropLast(5) + "Z"
    }

    /// What stands in a table where there is nothing to say.
    package static let absent = "-"

    private static let byteUnits = ["B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"]

    private static func rest(_ count: UInt64, _ unit: String) -> String { count == 0 ? "" : "\(count)\(unit)" }

    /// One decimal below ten, none above, and none that is zero.
    private static func short(_ value: Double) -> String {
        let tenths = Int((value * 10).rounded())
        guard tenths < 100, tenths % 10 != 0 else { return String(Int(value.rounded())) }
        return "\(tenths / 10).\(tenths % 10)"
    }
}
