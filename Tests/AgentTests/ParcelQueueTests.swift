import Testing

@testable import Agent

/// What waits for a receiver: in order, bounded, tried again at the right time.
@Suite struct ParcelQueueTests {
    private static let second: UInt64 = 1_000_000_000

    private func bytes(_ count: Int, _ byte: UInt8 = 1) -> [UInt8] { [UInt8](repeating: byte, count: count) }

    /// The first bytes of what is to be sent; nil: nothing.
    private func first(_ queue: inout ParcelQueue, _ now: UInt64, hurried: Bool = false) -> UInt8? {
        guard case .send(let parcel) = queue.next(now: now, hurried: hurried) else { return nil }
        return parcel.body.first
    }

    @Test func oneAfterTheOther() {
        var queue = ParcelQueue()
        #expect(queue.next(now: 0) == .wait(until: nil))
        for byte: UInt8 in 1...3 { queue.add(bytes(10, byte), items: 5, now: 0) }
        for byte: UInt8 in 1...3 {
            #expect(first(&queue, 0) == byte)
            #expect(queue.next(now: 0) == .wait(until: nil), "one at a time")
            queue.ended(.taken, now: 0)
        }
        #expect(queue.isEmpty && queue.bytes == 0 && queue.tally.sent == 15)
    }

    @Test func whatFailsComesAgainLaterAndLater() {
        var queue = ParcelQueue()
        queue.add(bytes(1), items: 2, now: 0)
        var now: UInt64 = 0
        for pause: UInt64 in [1, 2, 4, 8, 16, 30, 30] {
            #expect(first(&queue, now) == 1)
            queue.ended(.failed("status 500", after: nil), now: now)
            #expect(queue.next(now: now) == .wait(until: now + pause * Self.second))
            now += pause * Self.second
        }
        #expect(queue.fault == "status 500" && queue.tally.failures == 7)
        #expect(first(&queue, now) == 1)
        queue.ended(.taken, now: now)
        #expect(queue.fault == nil && queue.tally == ParcelQueue.Tally(sent: 2, failures: 7))
    }

    /// A server may ask for more time, but not for ever.
    @Test(arguments: [(0, 1), (7, 7), (299, 299), (1_000_000, 300)] as [(UInt64, UInt64)])
    func theServerIsLeftAlone(asked: UInt64, pause: UInt64) {
        var queue = ParcelQueue()
        queue.add(bytes(1), items: 1, now: 0)
        _ = queue.next(now: 0)
        queue.ended(.failed("status 429", after: asked * Self.second), now: 0)
        #expect(queue.next(now: 0) == .wait(until: pause * Self.second))
    }

    @Test func whatIsRefusedIsNotSentAgain() {
        var queue = ParcelQueue()
        for byte: UInt8 in 1...2 { queue.add(bytes(1, byte), items: 3, now: 0) }
        #expect(first(&queue, 0) == 1)
        queue.ended(.refused("status 400"), now: 0)
        #expect(first(&queue, 0) == 2)
        queue.ended(.taken, now: 0)
        #expect(queue.tally == ParcelQueue.Tally(sent: 3, refused: 3))
    }

    @Test func theOldestGoFirstWhenThereIsNoRoom() {
        var queue = ParcelQueue(ParcelQueue.Terms(limit: 100))
        for byte: UInt8 in 1...30 {
            queue.add(bytes(20, byte), items: 1, now: 0)
            #expect(queue.bytes <= 100)
        }
        #expect(queue.tally.dropped == 25 && first(&queue, 0) == 26)
        queue.add(bytes(101), items: 4, now: 0)
        #expect(queue.tally.dropped == 29 && queue.bytes == 100, "nothing is given up for what fits nowhere")
    }

    /// What is under way is not taken from under the sender's hands, and goes like others when it has failed.
    @Test func whatIsUnderWayStays() {
        var queue = ParcelQueue(ParcelQueue.Terms(limit: 100))
        queue.add(bytes(60, 1), items: 1, now: 0)
        #expect(first(&queue, 0) == 1)
        queue.add(bytes(60, 2), items: 1, now: 0)
        #expect(queue.tally.dropped == 1 && queue.bytes == 60)
        queue.add(bytes(30, 3), items: 1, now: 0)
        queue.add(bytes(30, 4), items: 1, now: 0)
        #expect(queue.tally.dropped == 2 && queue.bytes == 90)
        queue.ended(.failed("away", after: nil), now: 0)
        queue.add(bytes(60, 5), items: 1, now: 0)
        #expect(queue.tally.dropped == 3 && queue.bytes == 90)
        #expect(first(&queue, 0) == nil && first(&queue, 30 * Self.second) == 4)
        queue.ended(.taken, now: 0)
        #expect(first(&queue, 31 * Self.second) == 5)
    }

    @Test func smallThingsAreGathered() {
        var queue = ParcelQueue(
            ParcelQueue.Terms(batchItems: 3, batchBytes: 100, wait: Self.second, separator: [UInt8(ascii: ",")]))
        queue.add([1], items: 1, now: 0)
        #expect(queue.next(now: 0) == .wait(until: Self.second))
        queue.add([2], items: 1, now: 10)
        #expect(queue.next(now: 10) == .wait(until: Self.second))
        queue.add([3], items: 1, now: 20)
        queue.add([4], items: 1, now: 30)
        guard case .send(let parcel) = queue.next(now: 40) else {
            Issue.record("a full one is not sent")
            return
        }
        #expect(parcel.body == [1, 44, 2, 44, 3] && parcel.items == 3 && queue.bytes == 6)
        queue.add([5], items: 1, now: 50)
        queue.ended(.failed("away", after: nil), now: 60)
        queue.add([6], items: 1, now: 70)
        guard case .send(let again) = queue.next(now: 2 * Self.second) else {
            Issue.record("it does not come again")
            return
        }
        #expect(again.body == parcel.body, "what was sent before stays as it was")
        queue.ended(.taken, now: 2 * Self.second)
        #expect(queue.bytes == 5 && queue.tally.sent == 3)
    }

    @Test func whoEndsDoesNotWait() {
        var queue = ParcelQueue(ParcelQueue.Terms(batchItems: 10, wait: Self.second))
        queue.add([1], items: 1, now: 0)
        #expect(first(&queue, 0) == nil && first(&queue, 0, hurried: true) == 1)
        queue.ended(.failed("away", after: nil), now: 0)
        #expect(first(&queue, 1) == nil && first(&queue, 1, hurried: true) == 1)
        queue.add([2], items: 1, now: 1)
        queue.giveUp()
        #expect(queue.tally.dropped == 1)
        queue.ended(.taken, now: 2)
        #expect(queue.isEmpty && queue.bytes == 0)
    }

    /// Whatever happens, everything is counted once and the bound holds.
    @Test(arguments: 0..<20) func nothingIsLostUncounted(round: Int) {
        var random = SystemRandomNumberGenerator()
        let limit = 500
        var queue = ParcelQueue(
            ParcelQueue.Terms(limit: limit, batchItems: UInt64(1 + round % 4), batchBytes: 200, wait: 5, separator: [0]))
        var (added, now, isSending): (UInt64, UInt64, Bool) = (0, 0, false)
        for _ in 0..<3_000 {
            now += UInt64.random(in: 0...Self.second, using: &random)
            switch Int.random(in: 0..<4, using: &random) {
            case 0, 1:
                let items = UInt64.random(in: 1...3, using: &random)
                queue.add(bytes(Int.random(in: 1...550, using: &random)), items: items, now: now)
                added += items
            case 2:
                if case .send = queue.next(now: now) {
                    #expect(!isSending)
                    isSending = true
                }
            default:
                guard isSending else { continue }
                isSending = false
                let outcomes: [ParcelQueue.Outcome] = [.taken, .refused(""), .failed("", after: nil)]
                queue.ended(outcomes.randomElement(using: &random) ?? .taken, now: now)
            }
            #expect(queue.bytes <= limit && queue.bytes >= 0)
        }
        if isSending { queue.ended(.taken, now: now) }
        queue.giveUp()
        let tally = queue.tally
        #expect(queue.isEmpty && queue.bytes == 0)
        #expect(tally.sent + tally.refused + tally.dropped == added)
    }
}

@Suite struct SnapshotScheduleTests {
    @Test func atOnceAndThenAgainAndAgain() {
        var schedule = SnapshotSchedule()
        let times = { (schedule: inout SnapshotSchedule, times: [UInt64]) in times.filter { schedule.takeDue($0 * 1_000_000) } }
        #expect(times(&schedule, [1, 2, 3]) == [])
        schedule.adopt(100, now: 5_000_000)
        #expect(times(&schedule, [5, 6, 104, 105, 106, 205, 500, 501, 600]) == [5, 105, 205, 500, 600])
        schedule.adopt(100, now: 601_000_000)
        #expect(times(&schedule, [601, 699, 700]) == [700], "what has not changed goes on as before")
        schedule.adopt(nil, now: 0)
        #expect(times(&schedule, [10_000]) == [])
    }
}

@Suite struct DialectTests {
    private func outcomes(_ dialect: Courier.Dialect, _ statuses: [Int]) -> [Int] {
        statuses.filter {
            if case .failed = dialect.verdict(Reply(status: $0, retryAfter: 5)) { true } else { false }
        }
    }

    /// Which answers mean that the same may be sent again.
    @Test func eachKindOfReceiverHasItsOwn() {
        let statuses = [301, 400, 401, 404, 408, 413, 422, 429, 500, 501, 502, 503, 504]
        #expect(outcomes(.remoteWrite, statuses) == [429, 500, 501, 502, 503, 504])
        #expect(outcomes(.otlp, statuses) == [429, 502, 503, 504])
        #expect(outcomes(.webhook, statuses) == [408, 429, 500, 501, 502, 503, 504])
        for dialect in [Courier.Dialect.remoteWrite, .otlp, .webhook] {
            #expect(dialect.verdict(Reply(status: 204)) == .taken)
            #expect(dialect.verdict(Reply(status: 400)) == .refused("status 400"))
            #expect(dialect.verdict(Reply(status: 503, retryAfter: 7)) == .failed("status 503", after: 7))
        }
    }
}
