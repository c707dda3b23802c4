import Catalog
import Identity
import Testing

/// Rules that hold at certain hours.
@Suite struct AccessTimeTests {
    /// Monday, the 5th of January 2026, 00:00.
    private static let monday: Int64 = 1_767_571_200
    private static let workingDays: UInt8 = 0b0011_1110

    private func table(_ windows: [TimeWindow], denies: Bool = false) -> AccessTable {
        let rule = AccessRule(names: ["m"], times: windows)
        return AccessTable(
            models: [Model(name: "m", endpoints: [])],
            clients: [Client(name: "c", allow: denies ? nil : [rule], deny: denies ? [rule] : [])])
    }

    private func isOpen(_ table: AccessTable, _ epoch: Int64) -> Bool {
        table.mayCall(0, client: 0, operation: .chat, epoch: epoch) == .yes
    }

    @Test func hoursOpenAndClose() {
        let window = TimeWindow(days: Self.workingDays, from: 480, to: 1_080)
        let (allowed, denied) = (table([window]), table([window], denies: true))
        let cases: [(minutes: Int64, expected: Bool)] = [
            (479, false), (480, true), (1_079, true), (1_080, false), (32 * 60, true), (129 * 60, false), (153 * 60, false),
            (-900, false), (-63 * 60, true), (177 * 60, true),
        ]
        for (minutes, expected) in cases {
            let epoch = Self.monday + minutes * 60
            #expect(isOpen(allowed, epoch) == expected && isOpen(denied, epoch) != expected, "\(minutes)")
        }
    }

    @Test func anyWindowWillDo() {
        let rules = table([TimeWindow(from: 0, to: 60), TimeWindow(days: 2, from: 1_380, to: 60)])
        let open = (0..<48).filter { isOpen(rules, Self.monday + Int64($0) * 3_600) }
        #expect(open == [0, 23, 24])
    }

    /// The next change is where the answer changes, as looking at every minute finds it; a change that changes nothing,
    /// since another window holds, may come before.
    @Test(arguments: [
        TimeWindow(days: workingDays, from: 480, to: 1_080), TimeWindow(days: 0x7F, from: 1_320, to: 360),
        TimeWindow(days: 0b1, from: 0, to: 1_440), TimeWindow(days: 0b100_0001, from: 1_439, to: 1),
        TimeWindow(days: 0b1000, from: 600, to: 600), TimeWindow(days: 0b10, from: 0, to: 1),
    ])
    func theNextChangeIsFound(window: TimeWindow) throws {
        let rules = table([window])
        var epoch = Self.monday - 86_400 * 2
        for _ in 0..<6 {
            let next = try #require(rules.nextChange(after: epoch))
            #expect(next > epoch && next - epoch <= 8 * 86_400)
            let before = isOpen(rules, epoch)
            for minute in stride(from: epoch, to: next, by: 60) where isOpen(rules, minute) != before {
                Issue.record("\(window.text) changes at \(minute), before \(next)")
                return
            }
            if window.from != window.to { #expect(isOpen(rules, next) != isOpen(rules, next - 1), "\(window.text) at \(next)") }
            epoch = next
        }
    }

    @Test func withoutWindowsNothingChanges() {
        #expect(AccessTable().nextChange(after: 0) == nil && table([]).nextChange(after: 0) == nil)
        #expect(table([TimeWindow(days: 0)]).nextChange(after: 0) == nil)
        #expect(!isOpen(table([TimeWindow(days: 0)]), Self.monday))
        #expect(table([TimeWindow(from: 60, to: 120)]).nextChange(after: -5) == 3_600)
    }

    @Test func theFirstOfSeveralIsTheNext() {
        let rules = table([TimeWindow(from: 600, to: 660), TimeWindow(from: 540, to: 620)])
        #expect(rules.nextChange(after: 0) == 540 * 60 && rules.nextChange(after: 540 * 60) == 600 * 60)
        #expect(rules.nextChange(after: 600 * 60 - 1) == 600 * 60 && rules.nextChange(after: 660 * 60) == 86_400 + 540 * 60)
    }
}
