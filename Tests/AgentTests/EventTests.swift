import Control
import Synchronization
import Testing

@testable import Agent

@Suite struct EventLimiterTests {
    private let key = EventKey(kind: "refused", model: "m", client: "c")
    private let second: UInt64 = 1_000_000_000

    @Test func passesAFewOfAKindAndCountsTheRest() {
        var limiter = EventLimiter()
        let passed = (0..<100).filter { limiter.admit(key, now: UInt64($0)) != nil }
        #expect(passed.count == EventLimiter.perKey)
        #expect(limiter.suppressed == 95)
        #expect(limiter.admit(EventKey(kind: "refused", model: "other", client: "c"), now: 100) == 0, "another key passes")
    }

    @Test func tellsWhatWasLeftOutWithTheNextThatPasses() {
        var limiter = EventLimiter()
        for moment in 0..<10 { _ = limiter.admit(key, now: UInt64(moment)) }
        #expect(limiter.admit(key, now: second) == 5)
        #expect(limiter.admit(key, now: second + 1) == 0)
    }

    @Test func tellsOfAStormThatIsOver() {
        var limiter = EventLimiter()
        for moment in 0..<10 { _ = limiter.admit(key, now: UInt64(moment)) }
        #expect(limiter.sweep(now: second / 2).isEmpty)
        let ended = limiter.sweep(now: second)
        #expect(ended.map(\.key) == [key])
        #expect(ended.map(\.suppressed) == [5])
        #expect(limiter.sweep(now: 3 * second).isEmpty)
    }

    @Test func whatNeverCameIsToldOfToo() {
        var limiter = EventLimiter()
        #expect(limiter.admit(key, after: 7, now: 0) == 7)
        for moment in 1..<5 { _ = limiter.admit(key, now: UInt64(moment)) }
        #expect(limiter.admit(key, after: 10, now: 5) == nil)
        #expect(limiter.suppressed == 18)
        #expect(limiter.admit(key, after: 2, now: second) == 13)
        #expect(limiter.suppressed == 20)
    }

    @Test func oneReasonDoesNotHideAnother() {
        var limiter = EventLimiter()
        var other = key
        other.reason = "tokens"
        for moment in 0..<10 { _ = limiter.admit(key, now: UInt64(moment)) }
        #expect(limiter.admit(other, now: 10) == 0)
        #expect(limiter.sweep(now: 2 * second).map(\.key) == [key])
    }

    /// A caller that invents a model name for each request gets no further than one that repeats itself.
    @Test func boundsAKindWhateverItsKeys() async throws {
        var (limiter, passed) = try await blocking {
            var limiter = EventLimiter()
            let passed = (0..<100_000).count {
                limiter.admit(EventKey(kind: "unknown-model", model: "m\($0)", client: ""), now: 1) != nil
            }
            return (limiter, passed)
        }
        #expect(passed == EventLimiter.perKind)
        #expect(limiter.suppressed == 99_900)
        #expect(limiter.admit(EventKey(kind: "broken", model: "", client: ""), now: 1) == 0, "another kind passes")
        #expect(limiter.sweep(now: 2 * second).reduce(0) { $0 + $1.suppressed } == 99_900, "none is forgotten")
    }

    @Test func aClockThatStandsStillLetsNothingMoreThrough() {
        var limiter = EventLimiter()
        let passed = (0..<1000).filter { _ in limiter.admit(key, now: .max) != nil }
        #expect(passed.count == EventLimiter.perKey)
    }
}

@Suite struct EventHubTests {
    private func event(_ number: Int) -> EventReport {
        EventReport(time: "", kind: .refused, model: "m\(number)", detail: "\(number)")
    }

    @Test func ringKeepsTheNewestInOrder() {
        var ring = EventRing(capacity: 4)
        #expect(ring.last(10).isEmpty)
        for number in 0..<6 { ring.append(event(number)) }
        #expect(ring.last(10).map(\.detail) == ["2", "3", "4", "5"])
        #expect(ring.last(2).map(\.detail) == ["4", "5"])
        #expect(ring.last(0).isEmpty)
        #expect(ring.last(-1).isEmpty)
    }

    @Test func followerGetsTheBacklogAndWhatComes() async {
        let hub = EventHub()
        hub.publish(event(1))
        hub.publish(event(2))
        let subscription = hub.follow(last: 1) {}
        hub.publish(event(3))
        #expect(subscription.backlog.map(\.detail) == ["2"])
        var iterator = subscription.events.makeAsyncIterator()
        #expect(await iterator.next()?.detail == "3")
        hub.close()
        #expect(await iterator.next() == nil)
        #expect(!subscription.isLate)
    }

    @Test func slowFollowerIsLetGoAndTheOthersStay() async throws {
        let hub = EventHub()
        let slow = hub.follow(last: 0) {}
        let quick = hub.follow(last: 0) {}
        var iterator = quick.events.makeAsyncIterator()
        // Each in a kind of its own, so that the limits stay out of it.
        for number in 0...EventSubscription.buffer {
            hub.publish(EventReport(time: "", kind: EventReport.Kind(rawValue: "k\(number)")))
            #expect(await iterator.next()?.kind.rawValue == "k\(number)")
        }
        #expect(slow.isLate)
        #expect(!quick.isLate)
        var count = 0
        for await _ in slow.events { count += 1 }
        #expect(count == EventSubscription.buffer)
    }

    @Test func decisionsAreForThoseWhoAsk() async {
        let watched = Mutex<[Bool]>([])
        let hub = EventHub { now in watched.withLock { $0.append(now) } }
        let decision = EventReport(time: "", kind: .decision, model: "chat")
        hub.publish(decision)
        #expect(hub.last(10).isEmpty, "nobody watches")
        let plain = hub.follow(last: 0) {}
        #expect(watched.withLock { $0 } == [])
        let one = hub.follow(last: 0, level: .debug) {}
        let two = hub.follow(last: 0, level: .debug) {}
        for _ in 0..<50 { hub.publish(decision) }
        hub.publish(EventReport(time: "", kind: .reloaded))
        #expect(hub.last(10).map(\.kind) == [.reloaded], "decisions do not flush what is kept")
        one.end()
        #expect(watched.withLock { $0 } == [true])
        two.end()
        #expect(watched.withLock { $0 } == [true, false])
        var seen: [EventReport.Kind] = []
        for await event in two.events { seen.append(event.kind) }
        #expect(seen == Array(repeating: .decision, count: 50) + [.reloaded], "none of them is left out")
        hub.close()
        var others: [EventReport.Kind] = []
        for await event in plain.events { others.append(event.kind) }
        #expect(others == [.reloaded])
    }

    @Test func aWatcherThatIsTooSlowWatchesNoMore() {
        let watched = Mutex<[Bool]>([])
        let hub = EventHub { now in watched.withLock { $0.append(now) } }
        let slow = hub.follow(last: 0, level: .debug) {}
        for number in 0...EventSubscription.buffer {
            hub.publish(EventReport(time: "", kind: EventReport.Kind(rawValue: "k\(number)")))
        }
        #expect(slow.isLate)
        #expect(watched.withLock { $0 } == [true, false])
    }

    @Test func decisionsHaveALimitOfTheirOwn() {
        var limiter = EventLimiter()
        let key = EventKey(kind: "decision", model: "chat", client: "")
        let passed = (0..<1000).filter { limiter.admit(key, now: UInt64($0)) != nil }
        #expect(passed.count == EventLimiter.decisions)
    }

    @Test func everyEndpointFallsByItself() {
        let hub = EventHub()
        for number in 0..<20 {
            hub.publish(EventReport(time: "", kind: .endpointStandby, model: "m", address: "10.0.0.\(number):80"))
        }
        #expect(hub.last(100).count == 20)
    }

    @Test func aStormIsShownByItsCount() {
        let hub = EventHub()
        for _ in 0..<50 { hub.publish(EventReport(time: "", kind: .connectDenied, client: "c")) }
        #expect(hub.last(100).count == EventLimiter.perKey)
        #expect(hub.suppressed == 45)
    }

    @Test func reasonsAreToldApartAndWhatWasLeftOutElsewhereCounts() {
        let hub = EventHub()
        func publish(_ reason: String, after leftOut: UInt64 = 0) {
            hub.publish(EventReport(time: "", kind: .limited, client: "c", reason: reason, detail: "d"), after: leftOut)
        }
        for _ in 0..<50 { publish("access") }
        publish("connections", after: 8)
        #expect(hub.last(100).count == EventLimiter.perKey + 1)
        #expect(hub.last(1).first?.detail == "d (8 alike left out)")
        #expect(hub.suppressed == 53)
    }
}
