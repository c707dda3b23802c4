import Admission
import Catalog
import Testing

@Suite struct AccountPageTests {
    @Test func namesHaveTheirSlots() throws {
        let memory = AccountMemory(count: 4)
        let page = try #require(memory.page)
        #expect(page.count == 4 && page.freeCount == 4 && page.owned.isEmpty)
        #expect(page.assign(["a", "b", "a"]) == [1, 2, 1])
        #expect(page.assign(["c", "b"]) == [3, 2])
        #expect(
            page.name(1) == "a" && page.name(4) == nil && page.name(0) == nil && page.name(5) == nil
                && page.name(.max) == nil)
        #expect(page.assign(["d", "e"]) == nil && page.freeCount == 1, "all or none")
        page.free(2)
        page.free(2)
        #expect(page.freeCount == 2 && page.assign(["e", "d"]) == [2, 4])
        #expect(page.owned.map(\.name) == ["a", "e", "c", "d"] && page.repair() == 0)
        #expect(page.holds(2, "e") && !page.holds(2, "b") && !page.holds(9, "e"))
    }

    @Test func anotherOwnerBeginsWithNothing() throws {
        let page = try #require(AccountMemory(count: 1).page)
        _ = page.assign(["a"])
        page.restore(1, QuotaWord(period: 9, used: 70))
        #expect(page.read(1)?.word == QuotaWord(period: 9, used: 70))
        page.free(1)
        _ = page.assign(["b"])
        #expect(page.read(1) == AccountReading(word: QuotaWord(rawValue: 0), admitted: 0, refused: 0))
    }

    @Test func aLongNameStandsAsItsHash() throws {
        let page = try #require(AccountMemory(count: 9).page)
        let long = String(repeating: "n", count: 400)
        let names = [
            long, long + "x", String(repeating: "é", count: 192), String(repeating: "n", count: 192),
        ]
        #expect(page.assign(names) == [1, 2, 3, 4] && page.assign(names.reversed()) == [4, 3, 2, 1])
        #expect(Set(names.map(AccountPage.stored)).count == 4)
        for (slot, name) in zip(1..., names) {
            #expect(page.holds(UInt32(slot), name) && AccountPage.stored(name).utf8.count <= 192)
        }
        #expect(AccountPage.stored(names[3]) == names[3] && page.repair() == 0)
    }

    @Test func aLaterPeriodOrALargerUseIsRestored() throws {
        let page = try #require(AccountMemory(count: 1).page)
        page.restore(1, QuotaWord(period: 9, used: 70))
        page.restore(1, QuotaWord(period: 9, used: 60))
        page.restore(1, QuotaWord(period: 8, used: 90))
        #expect(page.read(1)?.word == QuotaWord(period: 9, used: 70))
        page.restore(1, QuotaWord(period: 10, used: 1))
        #expect(page.read(1)?.word == QuotaWord(period: 10, used: 1))
        page.reset(1, .day, epoch: 9 * 86_400)
        #expect(page.read(1)?.word == QuotaWord(period: 9, used: 0))
        page.restore(2, QuotaWord(period: 9, used: 70))
        page.reset(0, .day, epoch: 0)
        #expect(page.read(2) == nil && page.read(0) == nil)
    }

    @Test func aForeignPageIsNone() throws {
        let size = AccountPage.size(count: 3)
        for (offset, byte) in [(0, 0), (7, 0), (8, 2), (8, 0), (15, 1)] as [(Int, UInt8)] {
            let memory = AccountMemory(count: 3)
            memory.withBytes { $0[offset] = byte }
            #expect(memory.page == nil, "byte \(offset)")
        }
        let memory = AccountMemory(count: 3)
        for size in [0, 1, 63, 64, 4095] { #expect(memory.page(size: size) == nil) }
        #expect(memory.page(size: 4096)?.count == 0 && memory.page(size: size)?.count == 3)
        #expect(memory.page(size: 4096 + 255)?.count == 0 && memory.page(size: 4096 + 512)?.count == 2)
        // It says more than there is.
        memory.withBytes { $0[13] = 1 }
        let page = try #require(memory.page(size: size))
        #expect(page.count == 3 && page.announced == 259 && !page.reaches(4))
    }

    @Test func aTornPageIsRepaired() throws {
        let memory = AccountMemory(count: 8)
        let page = try #require(memory.page)
        _ = page.assign(["a", "b", "c", "d", "e", "f", "g"])
        memory.withBytes { bytes in
            func name(_ slot: Int) -> Int { 4096 + 256 * (slot - 1) + 64 }
            bytes[name(1)] = UInt8(ascii: "b")
            bytes[name(3)] = 0
            bytes[name(4)] = 0xFF
            bytes[name(5)] = 10
            bytes[name(6) + 9] = 1
            // Given away halfway: it has no owner yet.
            bytes[name(8)] = UInt8(ascii: "h")
        }
        #expect(page.repair() == 5)
        #expect(
            page.owned.map(\.slot) == [1, 7] && page.owned.map(\.name) == ["b", "g"]
                && page.freeCount == 6)
    }

    /// Whatever stands there, nothing is read or written beyond it.
    @Test func rubbishIsBounded() throws {
        var random = SplitMix(state: 11)
        for _ in 0..<300 {
            let memory = AccountMemory(count: 5)
            memory.withBytes { bytes in
                for index in 16..<bytes.count where Bool.random(using: &random) {
                    bytes[index] = random.next() as UInt8
                }
            }
            guard let page = memory.page else { continue }
            _ = (page.repair(), page.assign(["x"]), page.owned, page.freeCount)
            for slot in 0...6 as ClosedRange<UInt32> {
                _ = page.read(slot)
                page.restore(slot, QuotaWord(rawValue: random.next()))
                if let limit = Limit(.tokens, of: Allowance { $0.tokens = Rate(5, per: .minute) }) {
                    _ = page.level(slot, limit, now: Governed.now)
                }
            }
        }
    }

    @Test func ratesBeginAnewAfterABoot() throws {
        let governed = try Governed(
            client: Allowance(
                quotas: [Quota(9, .requests, per: .day)], { $0.requests = Rate(1, per: .day) }))
        var grant = try governed.grant()
        grant.settle(1, 1)
        #expect(governed.denial()?.kind == .requests)
        let same = governed.page.boot
        governed.page.adopt(same) { _ in true }
        #expect(governed.denial() != nil)
        let other = AccountPage.Boot(high: 3, low: 4)
        governed.page.adopt(other) { $0.hasPrefix("requests ") }
        #expect(governed.page.boot == other && governed.denial() == nil)
        #expect(try governed.word(.client("c"), .day, .requests).used == 1, "use stays")
    }

    @Test func aPageGrows() throws {
        let memory = AccountMemory(count: 4)
        let small = try #require(memory.page(size: AccountPage.size(count: 2)))
        #expect(small.count == 2 && small.announced == 4)
        small.announce(count: 3)
        small.announce(count: .max)
        #expect(small.announced == 4)
        small.announce(count: 10)
        #expect(small.announced == 10 && small.count == 2)
    }
}

extension Allowance {
    init(quotas: [Quota], _ change: (inout Allowance) -> Void) {
        self.init(quotas: quotas)
        change(&self)
    }
}
