package import Catalog

/// The calendar of quotas: days and months of UTC, numbered since 1970.
package enum PeriodClock {
    private static let daySeconds: Int64 = 86_400
    /// Numbers have 16 bits: days until June 2149.
    private static let last: Int64 = 0xFFFF

    /// The number of the period that has `epoch`, seconds since 1970; times before 1970 count as its first.
    package static func number(_ period: Quota.Period, at epoch: Int64) -> UInt16 {
        guard epoch > 0 else { return 0 }
        let day = min(epoch / daySeconds, last)
        guard period == .month else { return UInt16(day) }
        let date = CivilDate(daysSince1970: day)
        return UInt16((date.year - 1970) * 12 + Int64(date.month - 1))
    }

    /// Seconds since 1970 at which the period with this number begins.
    package static func start(_ period: Quota.Period, _ number: UInt16) -> Int64 {
        Int64(period == .day ? Int64(number) : monthStart(Int64(number))) * daySeconds
    }

    /// Seconds since 1970 at which it is over.
    package static func end(_ period: Quota.Period, _ number: UInt16) -> Int64 {
        period == .day ? (Int64(number) + 1) * daySeconds : monthStart(Int64(number) + 1) * daySeconds
    }

    /// Days from 1970 to the first of a month, after Howard Hinnant's days_from_civil; months from January 1970.
    private static func monthStart(_ months: Int64) -> Int64 {
        let (month, year) = (months % 12 + 1, 1970 + months / 12 - (months % 12 < 2 ? 1 : 0))
        let (era, yearOfEra) = (year / 400, year % 400)
        let dayOfYear = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5
        return era * 146_097 + yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear - 719_468
    }
}
