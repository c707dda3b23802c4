import Admission
import Catalog
import Glibc
import Testing

@Suite struct PeriodTests {
    private static func seconds(_ year: Int, _ month: Int, _ day: Int) -> Int64 {
        var time = tm()
        time.tm_year = Int32(year - 1900)
        time.tm_mon = Int32(month - 1)
        time.tm_mday = Int32(day)
        return Int64(timegm(&time))
    }

    /// Beside the C library's calendar.
    @Test func everyMonthBeginsAndEndsWhereTheCalendarSays() {
        for year in 1970..<2149 {
            for month in 1...12 {
                let (start, number) = (Self.seconds(year, month, 1), UInt16((year - 1970) * 12 + month - 1))
                let end = month == 12 ? Self.seconds(year + 1, 1, 1) : Self.seconds(year, month + 1, 1)
                #expect(
                    PeriodClock.number(.month, at: start) == number
                        && PeriodClock.number(.month, at: end - 1) == number)
                #expect(
                    PeriodClock.start(.month, number) == start && PeriodClock.end(.month, number) == end)
            }
        }
    }

    @Test func daysAreCounted() {
        #expect(PeriodClock.number(.day, at: Governed.epoch) == 20_778)
        #expect(
            PeriodClock.number(.day, at: 20_779 * 86_400 - 1) == 20_778
                && PeriodClock.number(.day, at: 20_779 * 86_400) == 20_779)
        #expect(
            PeriodClock.start(.day, 20_778) == 20_778 * 86_400
                && PeriodClock.end(.day, 20_778) == 20_779 * 86_400)
    }

    @Test(arguments: [Int64.min, -1, 0]) func timesBefore1970AreItsFirst(epoch: Int64) {
        #expect(PeriodClock.number(.day, at: epoch) == 0 && PeriodClock.number(.month, at: epoch) == 0)
    }

    @Test func aFarFutureIsTheLast() {
        #expect(
            PeriodClock.number(.day, at: .max) == .max && PeriodClock.number(.month, at: .max) == 2153)
    }

    @Test func aWordHoldsPeriodAndUse() {
        let word = QuotaWord(period: 20_778, used: 5)
        #expect(word.rawValue == 20_778 << 48 | 5 && word.period == 20_778 && word.used == 5)
        #expect(word.used(in: 20_778) == 5 && word.used(in: 20_779) == 0, "a new day")
        #expect(word.used(in: 20_777) == 5, "a clock that is set back does not give anything back")
        #expect(word.adding(7, in: 20_778) == QuotaWord(period: 20_778, used: 12))
        #expect(word.adding(7, in: 20_779) == QuotaWord(period: 20_779, used: 7))
        #expect(word.adding(7, in: 3) == QuotaWord(period: 20_778, used: 12))
        #expect(word.adding(.max, in: 20_778) == QuotaWord(period: 20_778, used: QuotaWord.most))
        #expect(
            word.adding(.max, in: 20_778).adding(1, in: 20_778).period == 20_778,
            "use never carries into the period")
        #expect(
            QuotaWord(period: 2, used: 0) > QuotaWord(period: 1, used: 9) && word < word.adding(1, in: 0))
    }
}
