import Admission
import Catalog
import Control
import Glibc
import Logging
import Synchronization
import Testing

@testable import Agent

/// A keeper of accounts in a directory of the test's own, with a clock of its own.
private final class Bench: Sendable {
    static let quiet: Logger = {
        var logger = Logger(label: "test")
        logger.logLevel = .critical
        return logger
    }()
    /// 2026-11-21, noon.
    static let noon: UInt64 = 1_795_262_400

    let scratch: Scratch
    let state: String
    let clock: Mutex<UInt64>

    init(state: String? = nil) throws {
        scratch = try Scratch()
        self.state = state ?? scratch["journal"]
        clock = Mutex(Self.noon)
    }

    /// - Parameter page: another one is another run directory.
    func keeper(page: String = "accounts", hub: EventHub = EventHub()) throws -> AccountKeeper {
        let (file, _) = try AccountFile.open(scratch[page], boot: AccountPage.Boot(high: 1, low: 1))
        let pace = AccountKeeper.Pace(look: 1, synchronize: 0, retry: 1_000_000, longestRetry: 20_000_000)
        return AccountKeeper(file: file, journal: state, hub: hub, logger: Self.quiet, pace: pace) { [self] in
            clock.withLock { $0 }
        }
    }

    var day: UInt16 { PeriodClock.number(.day, at: Int64(clock.withLock { $0 })) }

    func step(_ seconds: Int64) { clock.withLock { $0 = UInt64(Int64($0) + seconds) } }

    static func catalog(_ limit: UInt64 = 1000, alertAt: UInt8 = 80, names: [String] = ["a"]) -> Catalog {
        Catalog(
            clients: names.map { name in
                var client = Client(name: name)
                client.allowance.quotas = [Quota(limit, .tokens, per: .day, alertAt: alertAt)]
                client.allowance.requests = Rate(5, per: .second)
                return client
            })
    }
}

extension AccountKeeper {
    fileprivate func used(_ client: String = "a") -> UInt64? { quotas(QuotaSelection(client: client)).first?.used }

    /// As the proxy counts.
    fileprivate func use(_ word: QuotaWord, _ client: String = "a") throws {
        let key = AccountKey(.client(client), .quota(.day, .tokens))
        let (slot, page) = try #require(reading(key))
        page.restore(slot, word)
    }

    fileprivate var isSuspended: Bool {
        let key = AccountKey(.client("a"), .quota(.day, .tokens))
        return reading(key)?.page.isSuspended ?? false
    }
}

@Suite struct AccountKeeperTests {
    @Test func slotsStayOverReloadsAndAreFreedWithTheirLimit() throws {
        let bench = try Bench()
        let keeper = try bench.keeper()
        let (one, two) = (Bench.catalog(), Bench.catalog(names: ["b", "a"]))
        try keeper.adopt(one)
        let slots = keeper.slots(of: one)
        #expect(slots.count == 2 && !slots.contains(0))
        #expect(keeper.slots(of: two).count(where: { $0 == 0 }) == 2, "those of b are not given yet")
        try keeper.adopt(two)
        keeper.settle(two)
        #expect(Array(keeper.slots(of: two).suffix(2)) == slots)
        try keeper.use(QuotaWord(period: bench.day, used: 10))
        keeper.look()
        keeper.settle(Catalog())
        #expect(keeper.slots(of: one) == [0, 0])
        try keeper.adopt(one)
        #expect(keeper.used() == 10, "who goes and comes back begins where they were")
    }

    @Test func whatIsUsedOutlivesTheMachineBeingSwitchedOff() throws {
        let bench = try Bench()
        do {
            let keeper = try bench.keeper()
            try keeper.adopt(Bench.catalog())
            try keeper.use(QuotaWord(period: bench.day, used: 123))
            keeper.look()
        }
        let keeper = try bench.keeper(page: "another")
        try keeper.adopt(Bench.catalog())
        #expect(keeper.used() == 123)
        #expect(keeper.quotas(QuotaSelection()).first?.resets == "2026-11-22T00:00:00.000Z")
    }

    /// The page goes on while no agent runs, and knows more than the journal then.
    @Test func ofPageAndJournalTheLargerCounts() throws {
        let bench = try Bench()
        do {
            let keeper = try bench.keeper()
            try keeper.adopt(Bench.catalog())
            try keeper.use(QuotaWord(period: bench.day, used: 5))
            keeper.look()
            try keeper.use(QuotaWord(period: bench.day, used: 50))
        }
        let keeper = try bench.keeper()
        try keeper.adopt(Bench.catalog())
        #expect(keeper.used() == 50)
        // What the page had stands in the journal from the start on.
        let other = try bench.keeper(page: "another")
        try other.adopt(Bench.catalog())
        #expect(other.used() == 50)
    }

    /// As `kill -9` and loss of power leave the file: whatever was made to last, and any part of what came after it.
    @Test func recoversFromAnyMomentOfWriting() async throws {
        #expect(try await blocking { try Self.crashes(rounds: 60) } == [])
    }

    /// What was found otherwise than it may be. Waits for the disk.
    private static func crashes(rounds: Int) throws -> [String] {
        let bench = try Bench()
        let catalog = Bench.catalog(1_000_000, names: ["a", "b"])
        let keeper = try bench.keeper()
        try keeper.adopt(catalog)
        var random = SplitMix(state: 7)
        var lasting: UInt64 = 0
        var faults: [String] = []
        for round in 1...rounds {
            let before = try File.read(bench.state).count
            let used = UInt64(round * 10)
            try keeper.use(QuotaWord(period: bench.day, used: used))
            try keeper.use(QuotaWord(period: bench.day, used: used / 2), "b")
            keeper.look()
            let after = try File.read(bench.state)
            let lost = Int(random.next() % UInt64(max(0, after.count - before) + 1))
            var bytes = Array(after.dropLast(lost))
            let garbage = round.isMultiple(of: 3) ? Int(random.next() % 40) : 0
            for _ in 0..<garbage { bytes.append(UInt8(truncatingIfNeeded: random.next())) }
            let crashed = try Bench()
            try File.replace(crashed.state, with: bytes, mode: 0o600)
            let recovered = try crashed.keeper()
            try recovered.adopt(catalog)
            let found = recovered.used() ?? .max
            let isRight = lost == 0 ? found == used : found == used || found == lasting
            if !isRight || recovered.fault != nil { faults.append("round \(round): \(found) of \(lasting)...\(used)") }
            lasting = used
        }
        return faults
    }

    @Test(arguments: ["", "MBJRNL9\nwhatever", "{}", "MBJ"])
    func aJournalThatCannotBeReadIsKeptAsideAndTheAgentStarts(text: String) throws {
        let bench = try Bench()
        try File.replace(bench.state, with: Array(text.utf8), mode: 0o600)
        let keeper = try bench.keeper()
        try keeper.adopt(Bench.catalog())
        #expect(keeper.used() == 0 && keeper.fault == nil)
        let isForeign = !text.isEmpty && text != "MBJ"
        #expect(File.exists("\(bench.state).unusable-\(Bench.noon)") == isForeign)
    }

    @Test func aDamagedRecordCostsNoOther() throws {
        let bench = try Bench()
        do {
            let keeper = try bench.keeper()
            try keeper.adopt(Bench.catalog(names: ["a", "b"]))
            try keeper.use(QuotaWord(period: bench.day, used: 11), "a")
            keeper.look()
            try keeper.use(QuotaWord(period: bench.day, used: 22), "b")
            keeper.look()
        }
        var bytes = try File.read(bench.state)
        bytes[JournalCodec.header.count + 10] ^= 0xFF
        try File.replace(bench.state, with: bytes, mode: 0o600)
        let keeper = try bench.keeper(page: "another")
        try keeper.adopt(Bench.catalog(names: ["a", "b"]))
        #expect(keeper.used("a") == 0 && keeper.used("b") == 22)
        #expect(File.exists("\(bench.state).unusable-\(Bench.noon)"))
    }

    @Test func alertsComeOnceInAPeriodAlsoOverARestart() throws {
        let bench = try Bench()
        let hub = EventHub()
        let kinds = { hub.last(100).map(\.kind) }
        do {
            let keeper = try bench.keeper(hub: hub)
            try keeper.adopt(Bench.catalog())
            try keeper.use(QuotaWord(period: bench.day, used: 799))
            keeper.look()
            #expect(kinds().isEmpty)
            try keeper.use(QuotaWord(period: bench.day, used: 800))
            keeper.look()
            keeper.look()
            #expect(kinds() == [.quotaAlert])
        }
        let keeper = try bench.keeper(page: "another", hub: hub)
        try keeper.adopt(Bench.catalog())
        try keeper.use(QuotaWord(period: bench.day, used: 900))
        keeper.look()
        #expect(kinds() == [.quotaAlert])
        try keeper.use(QuotaWord(period: bench.day, used: 1000))
        keeper.look()
        try keeper.use(QuotaWord(period: bench.day, used: 1001))
        keeper.look()
        #expect(kinds() == [.quotaAlert, .quotaExhausted])
        #expect(hub.last(1).first?.client == "a")
        bench.step(86_400)
        keeper.look()
        #expect(kinds().count == 2, "nothing is used today")
        try keeper.use(QuotaWord(period: bench.day, used: 2000))
        keeper.look()
        #expect(kinds() == [.quotaAlert, .quotaExhausted, .quotaAlert, .quotaExhausted])
    }

    @Test func aClockThatWasAheadAndIsSetBackLosesNothingAndLeavesNothing() throws {
        let bench = try Bench()
        let hub = EventHub()
        let keeper = try bench.keeper(hub: hub)
        try keeper.adopt(Bench.catalog())
        let today = bench.day
        try keeper.use(QuotaWord(period: today, used: 700))
        keeper.look()
        bench.step(86_400)
        try keeper.use(QuotaWord(period: bench.day, used: 810))
        keeper.look()
        #expect(keeper.used() == 810 && hub.last(10).map(\.kind) == [.quotaAlert])
        bench.step(-86_400)
        keeper.look()
        #expect(keeper.used() == 1510 && hub.last(10).map(\.kind) == [.quotaAlert, .quotaExhausted])
        // In force for the proxy as well, and for an agent that comes after this one.
        try keeper.use(QuotaWord(period: today, used: 1600))
        keeper.look()
        let next = try bench.keeper(page: "another", hub: hub)
        try next.adopt(Bench.catalog())
        next.look()
        #expect(next.used() == 1600 && next.quotas(QuotaSelection()).first?.resets == "2026-11-22T00:00:00.000Z")
        bench.step(86_400)
        next.look()
        #expect(next.used() == 0)
        try next.use(QuotaWord(period: bench.day, used: 820))
        next.look()
        #expect(hub.last(1).map(\.kind) == [.quotaAlert] && hub.last(10).count == 3, "what was told of no day is forgotten")
    }

    @Test func aClockThatIsSetBackAndBeforeLongRightFindsWhatWasUsed() throws {
        let bench = try Bench()
        let keeper = try bench.keeper()
        try keeper.adopt(Bench.catalog())
        try keeper.use(QuotaWord(period: bench.day, used: 700))
        keeper.look()
        bench.step(-20_000 * 86_400)
        keeper.look()
        #expect(keeper.used() == 700)
        let next = try bench.keeper(page: "another")
        try next.adopt(Bench.catalog())
        next.look()
        bench.step(20_000 * 86_400)
        next.look()
        #expect(next.used() == 700)
    }

    @Test func aClockThatIsSetBackRollsNothingBack() throws {
        let bench = try Bench()
        let hub = EventHub()
        let keeper = try bench.keeper(hub: hub)
        try keeper.adopt(Bench.catalog())
        let today = bench.day
        try keeper.use(QuotaWord(period: today, used: 900))
        keeper.look()
        bench.step(-3 * 86_400)
        keeper.look()
        #expect(keeper.used() == 900)
        // A proxy whose clock is back, too.
        try keeper.use(QuotaWord(period: bench.day, used: 5))
        keeper.look()
        #expect(keeper.used() == 900)
        #expect(hub.last(10).map(\.kind) == [.quotaAlert])
        let recovered = try bench.keeper(page: "another", hub: hub)
        try recovered.adopt(Bench.catalog())
        #expect(recovered.used() == 900)
        // It ends with the day that it is now, not with the one that it was.
        #expect(recovered.quotas(QuotaSelection()).first?.resets == "2026-11-19T00:00:00.000Z")
        bench.step(86_400)
        #expect(recovered.used() == 0)
    }

    @Test func quotasAreSetBackForGood() throws {
        let bench = try Bench()
        let hub = EventHub()
        do {
            let keeper = try bench.keeper(hub: hub)
            try keeper.adopt(Bench.catalog(names: ["a", "b"]))
            try keeper.use(QuotaWord(period: bench.day, used: 1000), "a")
            try keeper.use(QuotaWord(period: bench.day, used: 3), "b")
            keeper.look()
            let reset = try keeper.reset(QuotaSelection(client: "a", period: "day"), by: 12)
            #expect(reset.map(\.used) == [0] && reset.map(\.client) == ["a"])
            #expect(try keeper.reset(QuotaSelection(client: "a", period: "month"), by: 12).isEmpty)
            #expect(keeper.used("a") == 0 && keeper.used("b") == 3)
            let told = try #require(hub.last(1).first)
            #expect(told.kind == .quotaReset && told.client == "a" && told.detail?.hasPrefix("by uid 12: ") == true)
        }
        let keeper = try bench.keeper(page: "another", hub: hub)
        try keeper.adopt(Bench.catalog(names: ["a", "b"]))
        #expect(keeper.used("a") == 0 && keeper.used("b") == 3)
        // What was told of it is forgotten as well.
        try keeper.use(QuotaWord(period: bench.day, used: 850), "a")
        keeper.look()
        #expect(hub.last(1).first?.kind == .quotaAlert)
    }

    @Test func aFullDiskStopsQuotasLoudlyUntilThereIsRoom() async throws {
        let disk = try SmallDisk(kilobytes: 64)
        let bench = try Bench(state: disk.path + "/journal")
        let hub = EventHub()
        let keeper = try bench.keeper(hub: hub)
        let names = (0..<200).map { "client-with-a-rather-long-name-\($0)" } + ["a"]
        try keeper.adopt(Bench.catalog(1 << 40, names: names))
        keeper.look()
        #expect(!keeper.isSuspended && keeper.fault == nil)
        try disk.fill()
        for name in names { try keeper.use(QuotaWord(period: bench.day, used: 7), name) }
        keeper.look()
        #expect(keeper.isSuspended)
        #expect(keeper.fault?.contains("No space left") == true)
        #expect(hub.last(1).first?.kind == .accountingStopped)
        #expect(throws: AgentError.self) { try keeper.reset(QuotaSelection(), by: nil) }
        #expect(keeper.used() == 7, "what can't be written down is not done")
        for _ in 0..<5 { keeper.look() }
        #expect(hub.last(100).count { $0.kind == .accountingStopped } == 1)
        disk.empty()
        let isWell = await eventually {
            keeper.look()
            return keeper.fault == nil
        }
        #expect(isWell)
        #expect(!keeper.isSuspended && hub.last(1).first?.kind == .accountingResumed)
        let recovered = try bench.keeper(page: "another")
        try recovered.adopt(Bench.catalog(1 << 40, names: names))
        #expect(recovered.used() == 7 && recovered.used(names[0]) == 7)
    }

    @Test func aJournalThatCannotBeBegunSuspendsFromTheStart() throws {
        let bench = try Bench(state: "/nonexistent/directory/journal")
        let hub = EventHub()
        let keeper = try bench.keeper(hub: hub)
        try keeper.adopt(Bench.catalog())
        #expect(keeper.isSuspended && keeper.fault != nil)
        #expect(hub.last(1).first?.kind == .accountingStopped)
    }

    /// On its own thread.
    @Test func writesByItself() async throws {
        let bench = try Bench()
        let keeper = try bench.keeper()
        try keeper.adopt(Bench.catalog())
        let running = Task { try await keeper.run() }
        defer { running.cancel() }
        try keeper.use(QuotaWord(period: bench.day, used: 42))
        #expect(
            await eventually {
                guard let bytes = try? File.read(bench.state) else { return false }
                return JournalState(JournalCodec.decode(bytes).records).words.values.contains(
                    QuotaWord(period: bench.day, used: 42))
            })
    }
}

/// A file system of a test's own that is soon full.
private final class SmallDisk: Sendable {
    private let scratch: Scratch
    let path: String

    init(kilobytes: Int) throws {
        scratch = try Scratch()
        path = scratch["disk"]
        mkdir(path, 0o700)
        guard mount("tmpfs", path, "tmpfs", 0, "size=\(kilobytes)k") == 0 else { throw SystemError("mount", path) }
    }

    deinit { umount2(path, Int32(MNT_DETACH)) }

    func fill() throws {
        let descriptor = open(path + "/filler", O_WRONLY | O_CREAT, 0o600)
        defer { close(descriptor) }
        let block = [UInt8](repeating: 1, count: 4096)
        while write(descriptor, block, block.count) > 0 {}
        #expect(errno == ENOSPC)
    }

    func empty() { unlink(path + "/filler") }
}
