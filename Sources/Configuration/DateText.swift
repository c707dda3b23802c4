/// Moments as people write them.
package enum DateText {
    package static let form = "a date (2027-01-01, its first moment in UTC) or a moment (2027-01-01T08:00:00Z, as in RFC 3339)"

    /// Seconds since 1970; nil: the text is no such thing. Years from 1970 to 9999; parts of seconds are dropped.
    package static func seconds(_ text: String) -> Int64? {
        let bytes = Array(text.utf8)
        guard bytes.count >= 10, let days = days(bytes[..<10]) else { return nil }
        guard bytes.count > 10 else { return days * 86_400 }
        guard bytes.count >= 20, bytes[10] == UInt8(ascii: "T") || bytes[10] == UInt8(ascii: "t") else { return nil }
        guard let clock = clock(bytes[11..<19]) else { return nil }
        var rest = bytes[19...]
        if rest.first == UInt8(ascii: ".") {
            let decimals = rest.dropFirst().prefix { isDigit($0) }
            guard (1...9).contains(decimals.count) else { return nil }
            rest = rest[decimals.endIndex...]
        }
        guard let offset = offset(rest) else { return nil }
        let moment = days * 86_400 + clock - offset
        return moment >= 0 ? moment : nil
    }

    /// `2027-01-01`, in days since 1970.
    private static func days(_ bytes: ArraySlice<UInt8>) -> Int64? {
        let parts = bytes.split(separator: UInt8(ascii: "-"), omittingEmptySubsequences: false)
        guard parts.count == 3, let year = number(parts[0], digits: 4), let month = number(parts[1], digits: 2),
            let day = number(parts[2], digits: 2)
        else { return nil }
        guard year >= 1970, (1...12).contains(month), (1...length(of: month, in: year)).contains(day) else { return nil }
        return daysSince1970(year, month, day)
    }

    private static func length(of month: Int64, in year: Int64) -> Int64 {
        let isLeap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
        return month == 2 ? (isLeap ? 29 : 28) : [4, 6, 9, 11].contains(month) ? 30 : 31
    }

    /// After Howard Hinnant, "chrono-compatible low-level date algorithms" (days_from_civil).
    private static func daysSince1970(_ year: Int64, _ month: Int64, _ day: Int64) -> Int64 {
        let shifted = month <= 2 ? year - 1 : year
        let era = shifted / 400
        let yearOfEra = shifted - era * 400
        let dayOfYear = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1
        return era * 146_097 + yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear - 719_468
    }

    /// `08:00:00`, in seconds since midnight.
    private static func clock(_ bytes: ArraySlice<UInt8>) -> Int64? {
        let parts = bytes.split(separator: UInt8(ascii: ":"), omittingEmptySubsequences: false)
        let numbers = parts.compactMap { number($0, digits: 2) }
        guard parts.count == 3, numbers.count == 3, numbers[0] < 24, numbers[1] < 60, numbers[2] < 60 else { return nil }
        return numbers[0] * 3_600 + numbers[1] * 60 + numbers[2]
    }

    /// `Z`, `+02:00`, in seconds.
    private static func offset(_ bytes: ArraySlice<UInt8>) -> Int64? {
        guard let sign = bytes.first else { return nil }
        if bytes.count == 1 { return sign == UInt8(ascii: "Z") || sign == UInt8(ascii: "z") ? 0 : nil }
        let parts = bytes.dropFirst().split(separator: UInt8(ascii: ":"), omittingEmptySubsequences: false)
        let numbers = parts.compactMap { number($0, digits: 2) }
        guard parts.count == 2, numbers.count == 2, numbers[0] < 24, numbers[1] < 60 else { return nil }
        let seconds = numbers[0] * 3_600 + numbers[1] * 60
        switch sign {
        case UInt8(ascii: "+"): return seconds
        case UInt8(ascii: "-"): return -seconds
        default: return nil
        }
    }

    private static func isDigit(_ byte: UInt8) -> Bool { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) }

    private static func number(_ bytes: ArraySlice<UInt8>, digits: Int) -> Int64? {
        guard bytes.count == digits, bytes.allSatisfy(isDigit) else { return nil }
        return bytes.reduce(0) { $0 * 10 + Int64($1 - UInt8(ascii: "0")) }
    }
}
