internal import Configuration

/// Reads the moments that `key new` takes.
package enum KeyArguments {
    package static let form = "a time from now (90d, 12h, 30m) or \(DateText.form)"

    /// - Parameters:
    ///   - text: `90d`, `2027-01-01`, `2027-01-01T08:00:00Z`.
    ///   - now: seconds since 1970.
    /// - Returns: seconds since 1970; nil: it is neither.
    package static func moment(_ text: String, now: Int64) -> Int64? {
        if let moment = DateText.seconds(text) { return moment }
        guard let unit = text.last, let factor = ["d": 86_400, "h": 3_600, "m": 60][String(unit)] as Int64? else { return nil }
        let digits = text.dropLast()
        // Ten years of minutes have seven.
        guard (1...7).contains(digits.utf8.count), digits.utf8.allSatisfy({ (0x30...0x39).contains($0) }) else { return nil }
        guard let number = Int64(digits), number > 0, number * factor <= 100 * 366 * 86_400 else { return nil }
        return now + number * factor
    }
}
