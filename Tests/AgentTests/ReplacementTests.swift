import Testing

@testable import Agent

/// A new proxy in the place of one that serves, in every order of events.
@Suite struct ReplacementTests {
    private let start = ContinuousClock.now

    private func running() -> ProxySupervision {
        var supervision = ProxySupervision(spawns: true)
        _ = supervision.begin(alive: false, now: start)
        _ = supervision.connected(compatible: true, handsOver: true, now: start)
        return supervision
    }

    /// Up to the start of the next one.
    private func replacing() -> ProxySupervision {
        var supervision = running()
        #expect(supervision.replace(now: start) == [.requestListeners])
        #expect(supervision.handedOver(true, now: start) == [.setAside, .spawn])
        return supervision
    }

    /// One of another version, up to the start of the next one.
    private func replacingMisfit() -> ProxySupervision {
        var supervision = ProxySupervision(spawns: true)
        _ = supervision.begin(alive: true, now: start)
        #expect(supervision.connected(compatible: false, handsOver: true, now: start) == [.requestListeners])
        #expect(supervision.handedOver(true, now: start) == [.setAside, .spawn])
        return supervision
    }

    @Test func theNextOneServesBeforeTheOneBeforeIsRetired() {
        var supervision = replacing()
        #expect(supervision.isReplacing)
        #expect(supervision.nextConnected(compatible: true, now: start + .seconds(1)) == [.welcomeNext])
        #expect(supervision.nextReady(now: start + .seconds(2)) == [.retireFormer])
        #expect(supervision.phase == .running(since: start + .seconds(2)))
        #expect(supervision.restarts == 0, "nobody had to start it again")
        #expect(supervision.deadline == nil)
    }

    @Test func oneOfAnotherVersionIsReplacedWhileItServes() {
        var supervision = replacingMisfit()
        #expect(supervision.nextConnected(compatible: true, now: start) == [.welcomeNext])
        #expect(supervision.nextReady(now: start) == [.retireFormer])
        // An ordinary proxy from here on.
        #expect(supervision.disconnected(now: start).isEmpty)
        #expect(supervision.connected(compatible: true, now: start).isEmpty)
        #expect(supervision.phase == .running(since: start))
    }

    @Test func oneThatCannotHandOverIsReplacedInTheOldWay() {
        var supervision = ProxySupervision(spawns: true)
        _ = supervision.begin(alive: true, now: start)
        #expect(supervision.connected(compatible: false, handsOver: false, now: start) == [.requestStop])
        #expect(supervision.exited(now: start) == [.spawn])
    }

    @Test func aMisfitThatRefusesItsListenersIsReplacedInTheOldWay() {
        var supervision = ProxySupervision(spawns: true)
        _ = supervision.begin(alive: true, now: start)
        _ = supervision.connected(compatible: false, handsOver: true, now: start)
        #expect(supervision.handedOver(false, now: start) == [.requestStop])
        #expect(supervision.tick(alive: true, now: start + ProxySupervision.evictionWait) == [.kill])
    }

    @Test func withoutListenersNothingHappens() {
        var supervision = running()
        _ = supervision.replace(now: start + .seconds(3))
        #expect(supervision.handedOver(false, now: start + .seconds(4)).isEmpty)
        #expect(supervision.phase == .running(since: start))
    }

    @Test func silenceAboutListenersEndsInTime() {
        var supervision = running()
        _ = supervision.replace(now: start)
        #expect(supervision.tick(alive: true, now: start + ProxySupervision.handOverWait - .milliseconds(1)).isEmpty)
        #expect(supervision.tick(alive: true, now: start + ProxySupervision.handOverWait).isEmpty)
        #expect(supervision.phase == .running(since: start))
        #expect(supervision.handedOver(true, now: start + .seconds(60)).isEmpty, "too late")
    }

    @Test(arguments: [false, true]) func theNextOneCrashesBeforeOrAfterItsHello(hasConnected: Bool) {
        var supervision = replacing()
        if hasConnected { _ = supervision.nextConnected(compatible: true, now: start) }
        #expect(supervision.nextFailed(now: start) == [.bringBack])
        #expect(supervision.phase == .running(since: start))
        #expect(supervision.nextReady(now: start).isEmpty, "what it says afterwards is for nobody")
        #expect(supervision.nextConnected(compatible: true, now: start).isEmpty)
        #expect(supervision.replace(now: start) == [.requestListeners], "it can be tried again")
    }

    @Test func theNextOneIsOfAnotherVersion() {
        var supervision = replacing()
        #expect(supervision.nextConnected(compatible: false, now: start) == [.bringBack])
        #expect(supervision.phase == .running(since: start))
    }

    @Test func theNextOneNeverConnects() {
        var supervision = replacing()
        #expect(supervision.tick(alive: true, now: start + .seconds(9)).isEmpty)
        #expect(supervision.tick(alive: true, now: start + ProxySupervision.connectWait) == [.bringBack])
    }

    @Test func theNextOneNeverGetsReady() {
        var supervision = replacing()
        _ = supervision.nextConnected(compatible: true, now: start + .seconds(5))
        #expect(supervision.tick(alive: true, now: start + .seconds(10)).isEmpty)
        #expect(supervision.tick(alive: true, now: start + .seconds(15)) == [.bringBack])
    }

    @Test func aMisfitServesOnAndIsTriedAgainAtGrowingIntervals() {
        var supervision = replacingMisfit()
        var now = start
        for pause in [1, 2, 4, 8, 16, 32, 60, 60] {
            #expect(supervision.nextFailed(now: now) == [.bringBack])
            #expect(supervision.phase == .holding(since: start, until: now + .seconds(pause)))
            #expect(supervision.keepsMisfit)
            #expect(supervision.connected(compatible: false, handsOver: true, now: now).isEmpty, "its link may come and go")
            now += .seconds(pause)
            #expect(supervision.tick(alive: true, now: now) == [.requestListeners])
            #expect(supervision.handedOver(true, now: now) == [.setAside, .spawn])
        }
    }

    @Test func theProxyCrashesWhileItHandsOver() {
        var supervision = running()
        _ = supervision.replace(now: start)
        #expect(supervision.exited(now: start + .seconds(1)).isEmpty)
        #expect(supervision.deadline == start + .milliseconds(1100), "as any proxy that crashed")
        #expect(supervision.handedOver(true, now: start + .seconds(1)).isEmpty)
        #expect(supervision.tick(alive: false, now: start + .seconds(2)) == [.spawn])
    }

    @Test(arguments: [false, true]) func theProxyCrashesWhileTheNextOneStarts(hasConnected: Bool) {
        var supervision = replacing()
        if hasConnected { _ = supervision.nextConnected(compatible: true, now: start + .seconds(1)) }
        #expect(supervision.exited(now: start + .seconds(1)).isEmpty, "there is one on its way already")
        #expect(supervision.connected(compatible: true, now: start + .seconds(2)).isEmpty)
        #expect(supervision.phase == .running(since: start + .seconds(2)))
    }

    @Test func bothCrash() {
        var supervision = replacing()
        #expect(supervision.exited(now: start).isEmpty)
        #expect(supervision.exited(now: start).isEmpty)
        #expect(supervision.tick(alive: false, now: start + .seconds(1)) == [.spawn])
        #expect(supervision.restarts == 1)
    }

    @Test func aMisfitThatCrashesIsForgotten() {
        var supervision = replacingMisfit()
        _ = supervision.nextFailed(now: start)
        #expect(supervision.exited(now: start).isEmpty)
        #expect(supervision.tick(alive: false, now: start + .seconds(1)) == [.spawn])
        _ = supervision.connected(compatible: true, now: start + .seconds(1))
        _ = supervision.replace(now: start + .seconds(1))
        #expect(supervision.handedOver(false, now: start + .seconds(1)).isEmpty, "it fits, and stays")
    }

    @Test func aLinkThatBreaksDelaysNothing() {
        var supervision = running()
        _ = supervision.replace(now: start)
        #expect(supervision.disconnected(now: start).isEmpty)
        // What was asked for went with the link.
        #expect(supervision.connected(compatible: true, handsOver: true, now: start) == [.requestListeners])
        #expect(supervision.handedOver(true, now: start) == [.setAside, .spawn])
        #expect(supervision.disconnected(now: start).isEmpty)
        #expect(supervision.connected(compatible: true, handsOver: true, now: start).isEmpty)
        #expect(supervision.nextConnected(compatible: true, now: start) == [.welcomeNext])
    }

    @Test func oneReplacementAtATime() {
        var supervision = running()
        #expect(!supervision.replace(now: start).isEmpty)
        #expect(supervision.replace(now: start).isEmpty)
        _ = supervision.handedOver(true, now: start)
        #expect(supervision.replace(now: start).isEmpty)
        _ = supervision.nextConnected(compatible: true, now: start)
        _ = supervision.nextReady(now: start)
        #expect(supervision.replace(now: start) == [.requestListeners])
    }

    @Test func nothingIsReplacedThatDoesNotServe() {
        var supervision = ProxySupervision(spawns: true)
        #expect(supervision.replace(now: start).isEmpty)
        _ = supervision.begin(alive: false, now: start)
        #expect(supervision.replace(now: start).isEmpty)
        var external = ProxySupervision(spawns: false)
        _ = external.begin(alive: false, now: start)
        _ = external.connected(compatible: true, now: start)
        #expect(external.replace(now: start).isEmpty)
    }

    @Test func theEndOfTheAgentsWorkEndsAReplacement() {
        var supervision = replacing()
        supervision.stop()
        #expect(supervision.nextConnected(compatible: true, now: start).isEmpty)
        #expect(supervision.nextReady(now: start).isEmpty)
        #expect(supervision.nextFailed(now: start).isEmpty)
        #expect(supervision.connected(compatible: true, now: start) == [.requestStop])
        #expect(supervision.deadline == nil)
    }

    /// Whatever comes, in whatever order: there is never a moment at which nobody serves and nothing is under way.
    @Test func noOrderOfEventsGetsItStuck() {
        var random = SystemRandomNumberGenerator()
        for _ in 0..<2000 {
            var (supervision, now) = (running(), start)
            for _ in 0..<30 {
                now += .milliseconds(Int.random(in: 0...4000, using: &random))
                switch Int.random(in: 0..<9, using: &random) {
                case 0: _ = supervision.replace(now: now)
                case 1: _ = supervision.handedOver(.random(using: &random), now: now)
                case 2: _ = supervision.nextConnected(compatible: .random(using: &random), now: now)
                case 3: _ = supervision.nextReady(now: now)
                case 4: _ = supervision.nextFailed(now: now)
                case 5: _ = supervision.exited(now: now)
                case 6: _ = supervision.disconnected(now: now)
                case 7:
                    _ = supervision.connected(compatible: .random(using: &random), handsOver: .random(using: &random), now: now)
                default: _ = supervision.tick(alive: .random(using: &random), now: now)
                }
                if case .running = supervision.phase { continue }
                #expect(supervision.deadline != nil, "\(supervision.phase)")
            }
        }
    }
}

@Suite struct DrainBookTests {
    private let start = ContinuousClock.now

    @Test func eachIsKilledBehindItsDeadline() {
        var book = DrainBook()
        #expect(book.deadline == nil)
        #expect(book.add(1, until: start + .seconds(10)).isEmpty)
        #expect(book.add(2, until: start + .seconds(5)).isEmpty)
        #expect(book.deadline == start + .seconds(5) + DrainBook.grace)
        #expect(book.overdue(now: start + .seconds(5)).isEmpty, "it ends by itself")
        #expect(book.overdue(now: start + .seconds(7)) == [2])
        #expect(book.overdue(now: start + .seconds(8)).isEmpty, "once")
        #expect(book.deadline == start + .seconds(12))
        book.remove(2)
        book.remove(1)
        #expect(book.deadline == nil && book.entries.isEmpty)
    }

    @Test func theOldestGivesWay() {
        var book = DrainBook()
        for pid in 1...DrainBook.limit {
            #expect(!book.isFull)
            #expect(book.add(Int32(pid), until: start + .seconds(100 - pid)).isEmpty)
        }
        #expect(book.isFull)
        #expect(book.add(100, until: start) == [1])
        #expect(book.add(101, until: start) == [2])
        #expect(book.contains(1), "until it has ended")
        #expect(book.isFull)
        book.remove(1)
        #expect(!book.contains(1))
    }

    @Test func hearingOfOneAgainIsNotASecondOne() {
        var book = DrainBook()
        _ = book.add(1, until: start + .seconds(1))
        _ = book.add(1, until: start + .seconds(9))
        #expect(book.entries == [DrainBook.Entry(pid: 1, until: start + .seconds(9))])
    }
}

/// Which of the proxies that an agent finds is the proxy.
@Suite struct AdoptionRoundTests {
    private func verdict(inPlace: [Int32], aside: [Int32], _ stages: [Int32: AdoptionRound.Stage]) -> AdoptionRound.Verdict {
        var round = AdoptionRound(inPlace: inPlace, aside: aside)
        for (pid, stage) in stages.sorted(by: { $0.key < $1.key }) { round.heard(pid, stage) }
        return round.verdict
    }

    @Test func waitsForAllThatAreThere() {
        var round = AdoptionRound(inPlace: [1], aside: [2, 3])
        round.heard(1, .serving)
        round.heard(2, .retiring)
        #expect(!round.isComplete)
        round.ended(3)
        #expect(round.isComplete)
        #expect(round.verdict == AdoptionRound.Verdict(proxy: 1))
    }

    @Test func oneAloneIsTheProxy() {
        #expect(verdict(inPlace: [1], aside: [], [1: .serving]) == AdoptionRound.Verdict(proxy: 1))
        #expect(verdict(inPlace: [1], aside: [], [1: .fresh]) == AdoptionRound.Verdict(proxy: 1))
        #expect(verdict(inPlace: [1], aside: [2], [1: .fresh, 2: .retiring]) == AdoptionRound.Verdict(proxy: 1))
    }

    /// The agent ended before the next one had its configuration.
    @Test func oneSetAsideGoesBackBeforeTheNextOneServes() {
        let expected = AdoptionRound.Verdict(proxy: 2, isBroughtBack: true, kill: [1])
        #expect(verdict(inPlace: [1], aside: [2], [1: .fresh, 2: .serving]) == expected)
        #expect(verdict(inPlace: [], aside: [2], [2: .serving]) == AdoptionRound.Verdict(proxy: 2, isBroughtBack: true))
        // The next one has not even connected.
        #expect(verdict(inPlace: [1], aside: [2], [2: .serving]) == AdoptionRound.Verdict(proxy: 2, isBroughtBack: true))
    }

    /// The agent ended before it could tell the one before that the next one serves.
    @Test func oneSetAsideIsRetiredOnceTheNextOneServes() {
        #expect(verdict(inPlace: [1], aside: [2], [1: .serving, 2: .serving]) == AdoptionRound.Verdict(proxy: 1, retire: [2]))
    }

    @Test func aFreshOneWaitsForOneThatIsYetToSpeak() {
        #expect(verdict(inPlace: [1], aside: [2], [1: .fresh]) == AdoptionRound.Verdict(kill: [1]))
    }

    @Test func thoseThatHaveEndedAreNothing() {
        var round = AdoptionRound(inPlace: [1], aside: [2])
        round.heard(1, .serving)
        round.heard(2, .serving)
        round.ended(1)
        #expect(round.verdict == AdoptionRound.Verdict(proxy: 2, isBroughtBack: true))
    }

    @Test func onlyThoseThatDrainAreNoProxy() {
        #expect(verdict(inPlace: [], aside: [2, 3], [2: .retiring, 3: .retiring]) == AdoptionRound.Verdict())
    }
}
