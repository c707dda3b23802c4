internal import Catalog

extension TimeWindow {
    private static let day: Int64 = 86_400

    /// When it next opens or closes, in seconds since 1970; nil: never, since it has no days.
    func nextChange(after epoch: Int64) -> Int64? {
        guard days & 0x7F != 0 else { return nil }
        let today = max(0, epoch) / Self.day
        // A window that began yesterday may end today; one a week ahead is found, too.
        return (today - 1...today + 8).lazy.filter { days & 1 << Self.weekday($0) != 0 }.flatMap { day in
            let end = from < to ? day : day + 1
            return [day * Self.day + Int64(from) * 60, end * Self.day + Int64(to) * 60]
        }.filter { $0 > epoch }.min()
    }

    /// 1970-01-01 was a Thursday, 4.
    private static func weekday(_ day: Int64) -> Int64 { (day + 4 + 7) % 7 }
}
