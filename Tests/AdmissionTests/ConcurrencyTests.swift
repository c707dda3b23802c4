import Admission
import Catalog
import Synchronization
import Testing

/// Many threads on one bucket: none of what the limit allows is admitted twice, none of it is lost.
@Suite struct ConcurrencyTests {
    /// Runs `body` on `count` threads at once and waits for them.
    private func together<Value: Sendable>(_ count: Int, _ body: @escaping @Sendable (Int) -> Value)
        -> [Value]
    {
        Threads.together((0..<count).map { index in { body(index) } })
    }

    @Test func exactlyTheBurstPasses() {
        var qos = QoS()
        qos.requests = Rate(1, per: .minute)
        qos.burst = 300_000
        let memory = QoSMemory()
        memory.put(qos, "m", slot: 3)
        let page = memory.page
        let gate = Flag()
        let admitted = together(8) { thread in
            // All at once: a thread that is alone takes nothing from another.
            if thread == 7 { gate.isDone.store(true, ordering: .releasing) }
            while !gate.isDone.load(ordering: .acquiring) {}
            var table = AdmissionTable(page, slots: [3], models: ["m"])
            var count = 0
            for _ in 0..<50_000 {
                if case .granted = table.admit(0, tokens: 0, prompt: 0, now: 1 << 50) { count += 1 }
            }
            return count
        }
        let counts = memory.counts(3, .requests)
        #expect(admitted.reduce(0, +) == 300_000 - Int(counts.contended))
        #expect(
            counts.admitted == UInt64(admitted.reduce(0, +))
                && counts.admitted + counts.refused == 400_000)
        #expect(counts.contended < 100)
    }

    @Test func whatIsTakenAndGivenBackAddsUp() {
        var qos = QoS()
        qos.tokens = Rate(1000, per: .second)
        qos.tokenBurst = 1 << 40
        let memory = QoSMemory()
        memory.put(qos, "m", slot: 3)
        let page = memory.page
        let used = together(8) { thread in
            var table = AdmissionTable(page, slots: [3], models: ["m"])
            var sum: UInt64 = 0
            for round in 0..<10_000 {
                guard case .granted(let grant) = table.admit(0, tokens: 100, prompt: 0, now: 1 << 50) else {
                    continue
                }
                let used = UInt64((round * 7 + thread) % 200)
                grant.settle(used: used, now: 1 << 50)
                sum += used
            }
            return sum
        }
        #expect(memory.counts(3, .tokens).admitted == used.reduce(0, +))
        #expect(memory.debt(3, .tokens, now: 1 << 50) == used.reduce(0, +) * 1_000_000)
    }

    private final class Flag: Sendable {
        let isDone = Atomic(false)
    }

    /// A reader sees all of a change or nothing of it.
    @Test func changesAreNeverSeenByHalves() {
        let memory = QoSMemory()
        @Sendable func qos(_ number: UInt64) -> QoS {
            var qos = QoS()
            qos.requests = Rate(number, per: .second)
            qos.burst = number
            qos.tokens = Rate(number, per: .minute)
            qos.tokenBurst = number
            return qos
        }
        memory.put(qos(1), "m", slot: 3)
        let page = memory.page
        let flag = Flag()
        let reader: @Sendable () -> Bool = {
            var table = AdmissionTable(page, slots: [3], models: ["m"])
            while !flag.isDone.load(ordering: .relaxed) {
                let levels = table.levels(0, now: 1 << 50)
                guard levels.requests?.capacity == levels.tokens?.capacity else { return false }
            }
            return true
        }
        let writer: @Sendable () -> Bool = {
            for number in 1...200_000 { memory.put(qos(UInt64(number)), "m", slot: 3) }
            flag.isDone.store(true, ordering: .relaxed)
            return true
        }
        let results = Threads.together([reader, reader, reader, writer])
        #expect(results == [true, true, true, true])
    }
}
