import Catalog
import Glibc
import Testing

@Suite struct CronScheduleTests {
    /// Seconds since 1970 of `2026-03-01 04:05` in UTC, by the C library.
    private func time(_ text: String) throws -> Int64 {
        let numbers = text.split { "- :".contains($0) }.compactMap { Int32($0) }
        try #require(numbers.count >= 5)
        var parts = tm()
        (parts.tm_year, parts.tm_mon, parts.tm_mday) = (numbers[0] - 1900, numbers[1] - 1, numbers[2])
        (parts.tm_hour, parts.tm_min, parts.tm_sec) = (numbers[3], numbers[4], numbers.count > 5 ? numbers[5] : 0)
        return Int64(timegm(&parts))
    }

    @Test(arguments: [
        ("0 3 * * 0", "2026-03-01 00:00", "2026-03-01 03:00"), ("0 3 * * 0", "2026-03-01 03:00", "2026-03-08 03:00"),
        ("0 3 * * 0", "2026-03-01 02:59:59", "2026-03-01 03:00"), ("0 3 * * SUN", "2026-03-02 00:00", "2026-03-08 03:00"),
        ("0 3 * * 7", "2026-03-02 00:00", "2026-03-08 03:00"), ("0 3 * * fri-7", "2026-03-02 00:00", "2026-03-06 03:00"),
        ("* * * * *", "2026-12-31 23:59:30", "2027-01-01 00:00"), ("*/20 8-10/2 * * *", "2026-03-01 08:40", "2026-03-01 10:00"),
        ("5,10,50-52 0 1 jan,Jul *", "2026-01-01 00:10", "2026-01-01 00:50"),
        ("5,10,50-52 0 1 jan,Jul *", "2026-01-01 00:52", "2026-07-01 00:05"),
        ("0 0 29 2 *", "2026-01-01 00:00", "2028-02-29 00:00"), ("0 0 29 2 *", "2096-02-29 00:00", "2104-02-29 00:00"),
        // Neither field begins with a star: one of them is enough.
        ("0 0 13 * fri", "2026-03-01 00:00", "2026-03-06 00:00"), ("0 0 13 * fri", "2026-03-06 00:00", "2026-03-13 00:00"),
        ("0 0 15 * 1", "2026-03-10 00:00", "2026-03-15 00:00"),
        // One does, if only with a step: both are needed.
        ("0 0 */13 * fri", "2026-03-01 00:00", "2026-03-27 00:00"), ("0 0 13 * *", "2026-03-01 00:00", "2026-03-13 00:00"),
        ("  0\t0  1 1 *  ", "1969-06-01 00:00", "1970-01-01 00:00"), ("0 0 1 1 *", "1901-06-01 00:00", "1902-01-01 00:00"),
    ])
    func comesNext(cron: String, after: String, expected: String) throws {
        #expect(try CronSchedule(cron).next(after: time(after)) == time(expected))
    }

    @Test(arguments: [
        ("", "has 0 fields"), ("* * * *", "has 4 fields"), ("* * * * * *", "has 6 fields"), ("@daily", "has 1 fields"),
        ("60 * * * *", "minute: it has a value that is no number from 0 to 59"), ("-1 * * * *", "minute"),
        ("* 24 * * *", "hour: it has a value that is no number from 0 to 23"), ("* * 0 * *", "day of month"),
        ("* * 32 * *", "day of month"),
        ("* * * 13 *", "month: it has a value that is no number from 1 to 12 or a name from jan to dec"),
        ("* * * janu *", "month"), ("* * * * 8", "day of week"), ("* * * * mo", "day of week"), ("jan * * * *", "minute"),
        ("5-1 * * * *", "minute: it has a range that ends before it begins"), ("* * * * fri-mon", "day of week"),
        ("5/2 * * * *", "minute: it has a step behind a single number"),
        ("*/0 * * * *", "minute: it has a step that is no number from 1 to 59"),
        ("*/60 * * * *", "minute"), ("*/ * * * *", "minute"), ("1,,2 * * * *", "minute"), (", * * * *", "minute"),
        ("1- * * * *", "minute"), ("1-2-3 * * * *", "minute"), ("*-5 * * * *", "minute"), ("** * * * *", "minute"),
        ("+5 * * * *", "minute"), ("٣ * * * *", "minute"), ("007 * * * *", "minute"), ("1/2/3 * * * *", "minute"),
        ("0 0 30 2 *", "never comes"), ("0 0 31 4,6,9,11 *", "never comes"),
    ])
    func refuses(cron: String, expected: String) {
        do {
            _ = try CronSchedule(cron)
            Issue.record("accepted \(cron)")
        } catch {
            #expect(error.description.contains(expected), "\(error)")
        }
    }

    @Test func windowsEnd() throws {
        let schedule = try CronSchedule("30 23 * * sat")
        let start = try time("2026-03-07 23:30")
        #expect(schedule.end(at: start - 1, duration: 3_600) == nil)
        #expect(schedule.end(at: start, duration: 3_600) == start + 3_600)
        #expect(schedule.end(at: try time("2026-03-08 00:29:59"), duration: 3_600) == start + 3_600)
        #expect(schedule.end(at: start + 3_600, duration: 3_600) == nil)
        #expect(schedule.end(at: start + 6 * 86_400, duration: 7 * 86_400) == start + 7 * 86_400)
        #expect(schedule.end(at: start, duration: 0) == nil && schedule.end(at: start, duration: -5) == nil)
        // Of windows that overlap, the one that began last.
        #expect(try CronSchedule("*/10 * * * *").end(at: start + 601, duration: 1_800) == start + 600 + 1_800)
    }

    @Test func windowsHaveMilliseconds() throws {
        let window = MaintenanceWindow(cron: "0 3 * * *", duration: 90_500)
        let schedule = try CronSchedule(window.cron)
        let start = UInt64(try time("2026-03-07 03:00")) * 1_000
        #expect(window.end(at: start - 1, schedule) == nil)
        #expect(window.end(at: start, schedule) == start + 90_500)
        #expect(window.end(at: start + 90_499, schedule) == start + 90_500)
        #expect(window.end(at: start + 90_500, schedule) == nil)
        #expect(window.end(at: .max, schedule) == nil)
        #expect(MaintenanceWindow(cron: "", duration: -1).end(at: start, schedule) == nil)
    }

    @Test func extremesOfTime() throws {
        let schedule = try CronSchedule("0 0 1 1 *")
        for time in [Int64.min, Int64.min + 1, Int64.max, Int64.max - 86_400] {
            #expect(schedule.next(after: time) == nil)
            #expect(schedule.end(at: time, duration: .max) == nil)
        }
        #expect(try #require(schedule.next(after: -(1 << 50))) > -(1 << 50))
        #expect(schedule.end(at: 0, duration: 1 << 40) != nil)
    }

    /// Against every minute of some days, with dates by the C library and fields kept as sets.
    @Test func agreesWithEveryMinute() throws {
        var random = SplitMix(seed: 7)
        for _ in 0..<200 {
            let sets = [0...59, 0...23, 1...31, 1...12, 0...6].map { range in
                Set((0..<Int.random(in: 1...4, using: &random)).map { _ in Int.random(in: range, using: &random) })
            }
            let stars = (0..<5).map { _ in Bool.random(using: &random) }
            let cron = zip(sets, stars).map { set, star in star ? "*" : set.map { "\($0)" }.joined(separator: ",") }
            guard let schedule = try? CronSchedule(cron.joined(separator: " ")) else { continue }
            let start = Int64.random(in: 0...4_102_444_800, using: &random)
            let from = (start / 60 + 1) * 60
            let next = try #require(schedule.next(after: start))
            for minute in stride(from: from, to: min(next, from + 3 * 86_400), by: 60) {
                #expect(!holds(minute, sets, stars), "\(cron) at \(minute)")
            }
            #expect(holds(next, sets, stars), "\(cron) at \(next)")
            #expect(schedule.end(at: next + 59, duration: 60) == next + 60)
        }
    }

    private func holds(_ time: Int64, _ sets: [Set<Int>], _ stars: [Bool]) -> Bool {
        var clock = time_t(time)
        var parts = tm()
        gmtime_r(&clock, &parts)
        let values = [parts.tm_min, parts.tm_hour, parts.tm_mday, parts.tm_mon + 1, parts.tm_wday].map(Int.init)
        let fits = (0..<5).map { stars[$0] || sets[$0].contains(values[$0]) }
        let day = stars[2] || stars[4] ? fits[2] && fits[4] : fits[2] || fits[4]
        return fits[0] && fits[1] && fits[3] && day
    }
}

/// Vigna's SplitMix64.
private struct SplitMix: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}
