import Admission
import Catalog
import Testing

/// What a request is told and what the buckets hold, by an injected clock.
@Suite struct LimitTests {
    static let second: UInt64 = 1_000_000_000
    static let start = 1000 * second

    static func table(_ memory: QoSMemory, _ qos: QoS, name: String = "m", slot: UInt32 = 7) -> Limits {
        memory.put(qos, name, slot: slot)
        return Limits(memory.page, slots: [slot], models: ["m"])
    }

    static func qos(_ change: (inout QoS) -> Void) -> QoS {
        var qos = QoS()
        change(&qos)
        return qos
    }

    @Test func aBurstPassesAndThenTheRate() throws {
        let memory = QoSMemory()
        let table = Self.table(
            memory,
            Self.qos {
                $0.requests = Rate(100, per: .second)
                $0.burst = 20
            })
        var admitted = 0
        // 500 requests a second for ten seconds.
        for tick in 0..<5000 {
            let now = Self.start + UInt64(tick) * Self.second / 500
            if case .granted = table.admit(0, tokens: 0, prompt: 0, now: now) { admitted += 1 }
        }
        #expect((1018...1020).contains(admitted))
        let counts = memory.counts(7, .requests)
        #expect(counts.admitted == UInt64(admitted) && counts.refused == UInt64(5000 - admitted))
    }

    @Test func aDenialSaysWhenToComeBack() throws {
        let memory = QoSMemory()
        let table = Self.table(
            memory,
            Self.qos {
                $0.requests = Rate(4, per: .second)
                $0.burst = 1
            })
        guard case .granted(let grant) = table.admit(0, tokens: 0, prompt: 0, now: Self.start) else {
            Issue.record("refused")
            return
        }
        #expect(
            grant.levels(now: Self.start).requests
                == LimitLevel(capacity: 1, remaining: 0, reset: 250_000_000))
        guard
            case .denied(let denial) = table.admit(0, tokens: 0, prompt: 0, now: Self.start + 100_000_000)
        else {
            Issue.record("admitted")
            return
        }
        #expect(denial.kind == .requests && denial.retry == 150_000_000)
        let then = Self.start + 100_000_000 + denial.retry
        #expect(Self.isDenied(table.admit(0, tokens: 0, prompt: 0, now: then - 1)))
        #expect(!Self.isDenied(table.admit(0, tokens: 0, prompt: 0, now: then)))
    }

    static func isDenied(_ admission: Admission) -> Bool {
        if case .denied = admission { return true }
        return false
    }

    @Test func refusedTokensGiveTheRequestBack() {
        let memory = QoSMemory()
        let table = Self.table(
            memory,
            Self.qos {
                $0.requests = Rate(1, per: .hour)
                $0.burst = 2
                $0.tokens = Rate(60, per: .minute)
                $0.tokenBurst = 100
            })
        #expect(!Self.isDenied(table.admit(0, tokens: 80, prompt: 10, now: Self.start)))
        guard case .denied(let denial) = table.admit(0, tokens: 80, prompt: 10, now: Self.start) else {
            Issue.record("admitted")
            return
        }
        #expect(denial.kind == .tokens && denial.retry == 60 * Self.second)
        #expect(memory.counts(7, .requests).admitted == 1)
        #expect(memory.counts(7, .tokens).admitted == 80 && memory.counts(7, .tokens).refused == 80)
        #expect(memory.debt(7, .requests, now: Self.start) == 3600 * Self.second)
        #expect(!Self.isDenied(table.admit(0, tokens: 20, prompt: 10, now: Self.start)))
    }

    @Test(arguments: [0, 1, 79, 80, 81, 500, 1 << 40] as [UInt64])
    func settlingPutsWhatWasUsedInTheEstimatesPlace(used: UInt64) {
        let memory = QoSMemory()
        let table = Self.table(
            memory,
            Self.qos {
                $0.tokens = Rate(7, per: .second)
                $0.tokenBurst = 1000
            })
        guard case .granted(let grant) = table.admit(0, tokens: 80, prompt: 10, now: Self.start) else {
            Issue.record("refused")
            return
        }
        grant.settle(used: used, now: Self.start)
        #expect(memory.counts(7, .tokens).admitted == used)
        // Costs are exact but for the fraction of a nanosecond, whatever the count; a year is the longest.
        let exact = (Double(used) * 1e9 / 7).rounded(.down)
        let debt = memory.debt(7, .tokens, now: Self.start)
        if used < 1000 {
            #expect(abs(Double(debt) - exact) <= 1)
        } else {
            #expect(debt >= 1 << 54 && debt <= 1 << 55)
        }
    }

    @Test func tokensCostExactlyWhatTheRateSays() {
        // A period of 1/7 ns can't be written; the cost of many tokens still is right.
        let memory = QoSMemory()
        let table = Self.table(
            memory,
            Self.qos {
                $0.tokens = Rate(7_000_000_000, per: .second)
                $0.tokenBurst = 7_000_000_000
            })
        _ = table.admit(0, tokens: 700_000_000, prompt: 0, now: Self.start)
        #expect(memory.debt(7, .tokens, now: Self.start) == 100_000_000)
    }

    @Test func moreThanTheBurstPassesWhenTheBucketIsFull() {
        let memory = QoSMemory()
        let table = Self.table(
            memory,
            Self.qos {
                $0.tokens = Rate(10, per: .second)
                $0.tokenBurst = 10
            })
        #expect(!Self.isDenied(table.admit(0, tokens: 100, prompt: 0, now: Self.start)))
        #expect(Self.isDenied(table.admit(0, tokens: 1, prompt: 0, now: Self.start + 9 * Self.second)))
        #expect(
            !Self.isDenied(table.admit(0, tokens: 1, prompt: 0, now: Self.start + 10 * Self.second)))
    }

    @Test func aLimitOfZeroPassesNothing() {
        let memory = QoSMemory()
        let table = Self.table(memory, Self.qos { $0.requests = Rate(0, per: .second) })
        guard case .denied(let denial) = table.admit(0, tokens: 0, prompt: 0, now: Self.start) else {
            Issue.record("admitted")
            return
        }
        #expect(denial.isNever && denial.retry == Denial.longestRetry)
        #expect(
            table.levels(0, now: Self.start).requests
                == LimitLevel(capacity: 0, remaining: 0, reset: Denial.longestRetry))
        let tokens = Self.table(memory, Self.qos { $0.tokens = Rate(0, per: .minute) })
        #expect(Self.isDenied(tokens.admit(0, tokens: 1, prompt: 0, now: Self.start)))
        #expect(
            !Self.isDenied(tokens.admit(0, tokens: 0, prompt: 0, now: Self.start)),
            "a request that uses none")
    }

    @Test func observingCountsAndLetsPass() {
        let memory = QoSMemory()
        let qos = Self.qos {
            $0.requests = Rate(1, per: .hour)
            $0.tokens = Rate(10, per: .hour)
            $0.tokenBurst = 10
            $0.mode = .observe
        }
        let table = Self.table(memory, qos)
        for _ in 0..<5 {
            guard case .granted(let grant) = table.admit(0, tokens: 10, prompt: 0, now: Self.start) else {
                Issue.record("refused")
                return
            }
            grant.settle(used: 5, now: Self.start)
        }
        #expect(
            memory.counts(7, .requests) == .init(admitted: 1, refused: 0, observed: 4, contended: 0))
        // What was let pass uncharged owes nothing either: the bucket is what enforcing would have left.
        #expect(memory.counts(7, .tokens) == .init(admitted: 5, refused: 0, observed: 40, contended: 0))
        #expect(memory.debt(7, .tokens, now: Self.start) == 1800 * Self.second)
    }

    @Test func aChangeIsInForceWithTheNextRequest() {
        let memory = QoSMemory()
        let table = Self.table(memory, QoS())
        #expect(!table.isGoverned(0))
        memory.put(Self.qos { $0.requests = Rate(0, per: .second) }, "m", slot: 7)
        #expect(table.isGoverned(0))
        #expect(Self.isDenied(table.admit(0, tokens: 0, prompt: 0, now: Self.start)))
        memory.put(Self.qos { $0.bandwidth = 1 }, "m", slot: 7)
        #expect(!table.isGoverned(0) && table.hasBandwidth(0) && table.hasBandwidth(slot: 7))
        #expect(table.changes == 3)
    }

    @Test func aSlotThatIsAnotherModelsNowGovernsNothing() {
        let memory = QoSMemory()
        let qos = Self.qos {
            $0.requests = Rate(1, per: .second)
            $0.tokens = Rate(100, per: .second)
        }
        let table = Self.table(memory, qos)
        guard case .granted(let grant) = table.admit(0, tokens: 50, prompt: 0, now: Self.start) else {
            Issue.record("refused")
            return
        }
        memory.release(slot: 7)
        #expect(!table.isGoverned(0))
        memory.put(qos, "other", slot: 7)
        #expect(!table.isGoverned(0))
        grant.settle(used: 1000, now: Self.start)
        #expect(memory.counts(7, .tokens).admitted == 50, "charged to a model that had no part in it")
        for name in ["mm", ""] {
            memory.put(qos, name, slot: 7)
            #expect(!table.isGoverned(0))
        }
        memory.put(qos, "m", slot: 7)
        #expect(table.isGoverned(0))
    }

    @Test func withoutAPageOrASlotNothingIsGoverned() {
        let memory = QoSMemory()
        memory.put(Self.qos { $0.requests = Rate(0, per: .second) }, "m", slot: 7)
        let none = Limits(nil, slots: [7], models: ["m"])
        let slotless = Limits(memory.page, slots: [0], models: ["m"])
        let beyond = Limits(memory.page, slots: [4097], models: ["m"])
        let mismatched = Limits(memory.page, slots: [], models: ["m"])
        #expect(
            !none.isGoverned(0) && !slotless.isGoverned(0) && !beyond.isGoverned(0)
                && !mismatched.isGoverned(0))
        #expect(!none.isPresent && slotless.isPresent && beyond.slot(0) == 0 && none.slot(5) == 0)
        if case .ungoverned = none.admit(0, tokens: 1, prompt: 0, now: 0) {
        } else {
            Issue.record("governed")
        }
    }

    @Test func aLongNameIsTold() {
        let memory = QoSMemory()
        let name = String(repeating: "n", count: 256)
        memory.put(Self.qos { $0.requests = Rate(1, per: .second) }, name, slot: 4096)
        let table = Limits(
            memory.page, slots: [4096, 4096, 4096], models: [name, name + "n", String(name.dropLast())])
        #expect(table.isGoverned(0) && !table.isGoverned(1) && !table.isGoverned(2))
    }

    /// Only the slots in use are mapped: what lies beyond is not memory of this process.
    @Test func whatIsOutOfReachGovernsNothing() {
        let memory = QoSMemory()
        let entry = Self.qos {
            $0.requests = Rate(0, per: .second)
            $0.bandwidth = 1
        }
        for slot in [3, 4, 4096] as [UInt32] { memory.put(entry, "m\(slot)", slot: slot) }
        let table = Limits(
            memory.page(reach: 4), slots: [3, 4, 4096, .max], models: ["m3", "m4", "m4096", "m"])
        #expect(table.slot(0) == 3 && table.isGoverned(0) && table.hasBandwidth(slot: 3))
        for model in 1...3 {
            #expect(table.slot(model) == 0 && !table.isGoverned(model) && !table.hasBandwidth(model))
            guard case .ungoverned = table.admit(model, tokens: 1, prompt: 1, now: Self.start) else {
                Issue.record("governed")
                continue
            }
        }
        // Sockets may still be under a slot that an earlier agent's maps had.
        #expect(
            !table.hasBandwidth(slot: 4) && !table.hasBandwidth(slot: 4096)
                && !table.hasBandwidth(slot: .max))
        #expect(table.changes == 3)
        let whole = Limits(memory.page, slots: [4096], models: ["m4096"])
        #expect(whole.isGoverned(0))
        #expect(memory.counts(4, .requests) == .init() && memory.counts(4096, .requests) == .init())
    }

    @Test func aSlotIsLostToAnotherModel() {
        let page = QoSMemory().page
        let before = AdmissionTable(
            page, slots: [1, 2, 3, 0, 5], models: ["kept", "gone", "moved", "without", "replaced"])
        let after = AdmissionTable(
            page, slots: [7, 4, 1, 5], models: ["without", "moved", "kept", "other"])
        #expect(before.slotsLost(in: after) == [2, 3, 5])
        #expect(after.slotsLost(in: after).isEmpty)
        #expect(after.slotsLost(in: AdmissionTable()) == [1, 4, 5, 7])
    }
}

/// A table that can be asked within an expectation.
final class Limits {
    private var table: AdmissionTable

    init(_ page: QoSPage?, slots: [UInt32], models: [String]) {
        table = AdmissionTable(page, slots: slots, models: models)
    }

    var isPresent: Bool { table.isPresent }
    var changes: UInt64 { table.changes }
    func slot(_ model: Int) -> UInt32 { table.slot(model) }
    func isGoverned(_ model: Int) -> Bool { table.isGoverned(model) }
    func hasBandwidth(_ model: Int) -> Bool { table.hasBandwidth(model) }
    func hasBandwidth(slot: UInt32) -> Bool { table.hasBandwidth(slot: slot) }
    func levels(_ model: Int, now: UInt64) -> LimitLevels { table.levels(model, now: now) }

    func admit(_ model: Int, tokens: UInt64, prompt: UInt64, now: UInt64) -> Admission {
        table.admit(model, tokens: tokens, prompt: prompt, now: now)
    }
}
