import Admission
import Glibc
import Testing

@testable import Agent

@Suite struct AccountFileTests {
    private let boot = AccountPage.Boot(high: 1, low: 2)
    private let day = "day.tokens client=a"
    private let rate = "requests client=a"

    @Test func slotsOutliveTheAgent() throws {
        let scratch = try Scratch()
        let slots: [UInt32]
        do {
            let (file, fault) = try AccountFile.open(scratch["accounts"], boot: boot)
            #expect(fault == nil)
            slots = try file.assign([day, rate, "month.cost model=m"])
            #expect(Set(slots).count == 3 && !slots.contains(0))
            file.page.restore(slots[0], QuotaWord(period: 5, used: 77))
        }
        let (file, fault) = try AccountFile.open(scratch["accounts"], boot: boot)
        #expect(fault == nil)
        #expect(try file.assign(["new", rate, day]).dropFirst() == [slots[1], slots[0]])
        #expect(file.page.read(slots[0])?.word == QuotaWord(period: 5, used: 77))
        file.keep(only: [day])
        #expect(file.page.owned.map(\.name) == [day])
        var facts = stat()
        #expect(stat(scratch["accounts"], &facts) == 0 && facts.st_mode & 0o777 == 0o600)
    }

    @Test func growsForMoreLimits() async throws {
        let scratch = try Scratch()
        let (file, _) = try AccountFile.open(scratch["accounts"], boot: boot)
        let first = try file.assign([day])
        let many = try await blocking { try file.assign([day] + (0..<3000).map { "requests client=c\($0)" }) }
        #expect(many[0] == first[0] && Set(many).count == 3001)
        #expect(file.page.count == 4096 && file.page.announced == 4096)
        file.page.restore(many[3000], QuotaWord(period: 1, used: 1))
        let (again, fault) = try AccountFile.open(scratch["accounts"], boot: boot)
        #expect(fault == nil && again.page.owned.count == 3001)
        await #expect(throws: AgentError.self) {
            try await blocking { try file.assign((0...AccountPage.limit).map { "x\($0)" }) }
        }
        #expect(try file.assign([day]) == first, "nothing has changed")
    }

    @Test(arguments: ["", "x", String(repeating: "\0", count: 8192), String(repeating: "M", count: 300_000)])
    func whatIsNoPageIsReplacedAndSaid(content: String) throws {
        let scratch = try Scratch()
        try File.replace(scratch["accounts"], with: Array(content.utf8), mode: 0o600)
        let (file, fault) = try AccountFile.open(scratch["accounts"], boot: boot)
        #expect(fault?.contains("is lost") == true)
        #expect(try file.assign([day]) == [1])
    }

    @Test func linksAndForeignFilesAreNotFollowed() throws {
        let scratch = try Scratch()
        try scratch.write("precious", to: "other")
        symlink(scratch["other"], scratch["accounts"])
        let (file, fault) = try AccountFile.open(scratch["accounts"], boot: boot)
        #expect(fault != nil)
        _ = try file.assign([day])
        #expect(try File.text(scratch["other"]) == "precious")
    }

    @Test func ratesOfAnotherBootBeginAnew() throws {
        let scratch = try Scratch()
        var slots: [UInt32] = []
        do {
            let (file, _) = try AccountFile.open(scratch["accounts"], boot: boot)
            slots = try file.assign([day, rate])
            for slot in slots { file.page.restore(slot, QuotaWord(period: 9, used: 9)) }
        }
        let (file, _) = try AccountFile.open(scratch["accounts"], boot: AccountPage.Boot(high: 3, low: 4))
        #expect(file.page.read(slots[0])?.word == QuotaWord(period: 9, used: 9))
        #expect(file.page.read(slots[1])?.word.rawValue == 0)
    }
}
