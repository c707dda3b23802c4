/// Minutes that come again and again, as cron(5) writes them: minute, hour, day of month, month, day of week, in UTC.
///
/// A field is `*`, a number, a range `1-5`, a step `*/15` or `8-18/2`, or several of these with commas between them; months and
/// days of the week have names, too (`jan`, `mon`), and Sunday is 0 and 7. As in Vixie's cron, a day has to fit both its
/// fields, unless neither begins with `*`: then one of them is enough.
package struct CronSchedule: Hashable, Sendable {
    private var minutes: UInt64 = 0
    private var hours: UInt64 = 0
    private var days: UInt64 = 0
    private var months: UInt64 = 0
    /// Sunday is bit 0.
    private var weekdays: UInt64 = 0
    private var eitherDay = false

    /// Reads five fields with blanks between them.
    package init(_ text: String) throws(CronError) {
        let fields = text.split { $0 == " " || $0 == "\t" }
        guard fields.count == CronField.all.count else {
            throw CronError("has \(fields.count) fields; a schedule has five: minute, hour, day of month, month, day of week")
        }
        minutes = try CronField.minute.bits(fields[0])
        hours = try CronField.hour.bits(fields[1])
        days = try CronField.day.bits(fields[2])
        months = try CronField.month.bits(fields[3])
        let sundays = try CronField.weekday.bits(fields[4])
        weekdays = sundays & 0x7F | sundays >> 7
        eitherDay = !fields[2].hasPrefix("*") && !fields[4].hasPrefix("*")
        guard next(after: 0) != nil else {
            throw CronError("never comes: no month in the field month has a day that the field day of month gives")
        }
    }

    /// The first such minute behind `time`; both in seconds since 1970. nil: `time` is farther from it than the earth is old.
    package func next(after time: Int64) -> Int64? {
        guard Self.times.contains(time) else { return nil }
        let floor = Self.floorDivide(time, 60) + 1
        let today = Self.floorDivide(floor, 1_440)
        for number in today...today + Int64(Self.cycle) where holds(day: number) {
            let from = number == today ? Int(floor - today * 1_440) : 0
            if let minute = firstMinute(from: from) { return number * Self.day + Int64(minute) * 60 }
        }
        return nil
    }

    /// When the window that is open at `time` ends; nil: none is. Each begins at a minute of the schedule and lasts
    /// `duration` seconds. Of windows that overlap, the end of the one that began last.
    package func end(at time: Int64, duration: Int64) -> Int64? {
        guard duration > 0, Self.times.contains(time), Self.times.contains(duration) else { return nil }
        return previous(upTo: time, notBefore: time - duration + 1).map { $0 + duration }
    }

    private func previous(upTo time: Int64, notBefore bound: Int64) -> Int64? {
        let minute = Self.floorDivide(time, 60)
        let today = Self.floorDivide(minute, 1_440)
        let first = max(Self.floorDivide(bound, Self.day), today - Int64(Self.cycle))
        for number in stride(from: today, through: first, by: -1) where holds(day: number) {
            let to = number == today ? Int(minute - today * 1_440) : 1_439
            guard let found = lastMinute(upTo: to) else { continue }
            let start = number * Self.day + Int64(found) * 60
            return start >= bound ? start : nil
        }
        return nil
    }

    /// - Parameter number: days since 1970.
    private func holds(day number: Int64) -> Bool {
        let date = CivilDate(daysSince1970: number)
        guard months & 1 << UInt64(date.month) != 0 else { return false }
        let fitsDay = days & 1 << UInt64(date.day) != 0
        let fitsWeekday = weekdays & 1 << UInt64(date.weekday) != 0
        return eitherDay ? fitsDay || fitsWeekday : fitsDay && fitsWeekday
    }

    /// In minutes of the day, as below.
    private func firstMinute(from start: Int) -> Int? {
        (start..<1_440).first(where: holds(minute:))
    }

    private func lastMinute(upTo end: Int) -> Int? {
        stride(from: end, through: 0, by: -1).first(where: holds(minute:))
    }

    private func holds(minute: Int) -> Bool {
        hours & 1 << UInt64(minute / 60) != 0 && minutes & 1 << UInt64(minute % 60) != 0
    }

    private static let day: Int64 = 86_400
    /// Far from where sums overflow.
    private static let times: ClosedRange<Int64> = -(1 << 57)...(1 << 57)
    /// Days in 400 years, after which dates and days of the week come in the same order again.
    private static let cycle = 146_097

    private static func floorDivide(_ value: Int64, _ divisor: Int64) -> Int64 {
        let (quotient, remainder) = value.quotientAndRemainder(dividingBy: divisor)
        return remainder < 0 ? quotient - 1 : quotient
    }
}

extension MaintenanceWindow {
    /// When it ends, if it is open; both in milliseconds since 1970.
    ///
    /// - Parameter schedule: its `cron`, read once.
    package func end(at time: UInt64, _ schedule: CronSchedule) -> UInt64? {
        // Windows begin at whole minutes, so what is left of a second makes no difference to which is open.
        let seconds = Int64(clamping: (UInt64(clamping: duration) + 999) / 1_000)
        guard let end = schedule.end(at: Int64(clamping: time / 1_000), duration: seconds) else { return nil }
        let lasting = UInt64(clamping: end - seconds) * 1_000 + UInt64(clamping: duration)
        return lasting > time ? lasting : nil
    }
}

/// Why a text is no schedule; continues a sentence that begins with the text.
package struct CronError: Error, Hashable, Sendable, CustomStringConvertible {
    package let description: String

    init(_ description: String) { self.description = description }
}
