import Catalog

/// Hours of days, as `times` of an access rule has them.
enum TimeText {
    static let form = "hours in UTC, as 22:00-06:00, mon-fri 08:00-18:00 or sat,sun 00:00-24:00"
    private static let names = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"]

    static func window(_ text: String) throws(Refusal) -> TimeWindow {
        let parts = text.split(separator: " ", omittingEmptySubsequences: false)
        guard let hours = parts.last, parts.count <= 2, let (from, to) = span(hours) else { throw Refusal("is not \(form)") }
        guard from != to else { throw Refusal("begins when it ends; for the whole day write 00:00-24:00") }
        guard parts.count == 2 else { return TimeWindow(from: from, to: to) }
        guard let days = days(parts[0]) else { throw Refusal("has no days from mon to sun; write \(form)") }
        return TimeWindow(days: days, from: from, to: to)
    }

    /// `mon-fri`, `sat,sun`; a range may go over the end of the week.
    private static func days(_ text: Substring) -> UInt8? {
        var days: UInt8 = 0
        for part in text.split(separator: ",", omittingEmptySubsequences: false) {
            let ends = part.split(separator: "-", omittingEmptySubsequences: false).map { names.firstIndex(of: String($0)) }
            guard (1...2).contains(ends.count), let first = ends.first ?? nil, let last = ends.last ?? nil else { return nil }
            for step in 0...((last - first + 7) % 7) { days |= 1 << ((first + step) % 7) }
        }
        return days
    }

    /// Minutes since midnight.
    private static func span(_ text: Substring) -> (UInt16, UInt16)? {
        let ends = text.split(separator: "-", omittingEmptySubsequences: false)
        guard ends.count == 2, let from = minutes(ends[0]), let to = minutes(ends[1]), from < 1_440 else { return nil }
        return (from, to)
    }

    /// `08:00`; at most `24:00`.
    private static func minutes(_ text: Substring) -> UInt16? {
        let parts = text.split(separator: ":", omittingEmptySubsequences: false)
        guard parts.count == 2, parts.allSatisfy({ $0.utf8.count == 2 && NumberText.isAllDigits($0) }) else { return nil }
        guard let hour = UInt16(parts[0]), let minute = UInt16(parts[1]), minute < 60 else { return nil }
        let total = hour * 60 + minute
        return total <= 1_440 ? total : nil
    }
}
