import Control
import Testing

@testable import Agent

private let second: UInt64 = 1_000_000_000
private let start: UInt64 = 1000 * second

private func terms(_ set: String? = nil, idle: UInt64? = nil) -> EngineTerms {
    EngineTerms(readyTimeout: 10 * second, idleAfter: idle, stopTimeout: 5 * second, set: set)
}

/// Drives a machine by hand, and remembers what it wanted.
private struct Drive {
    var machine = EngineMachine()
    var now = start
    var figures: [String: (inFlight: UInt64, requests: UInt64)] = [:]

    init(_ terms: [String: EngineTerms]) { _ = machine.adopt(terms, now: start) }

    mutating func want(_ name: String) -> [EngineAction] { machine.want([name], now: now) }
    mutating func answered(_ name: String) -> [EngineAction] { machine.answered(name, now: now) }
    mutating func ended(_ name: String, _ how: String = "exit 0") -> [EngineAction] { machine.ended(name, how, now: now) }

    mutating func pass(_ time: UInt64) -> [EngineAction] {
        now += time
        return machine.tick(now)
    }

    /// Time passes, and is seen to pass with nothing to do.
    mutating func rest(_ time: UInt64) -> [EngineAction] {
        now += time
        return machine.take(figures, asked: now, now: now) + machine.tick(now)
    }

    /// Asks what is under way twice, a moment apart.
    mutating func idle(_ figures: [String: (inFlight: UInt64, requests: UInt64)] = [:]) -> [EngineAction] {
        var actions: [EngineAction] = []
        for _ in 0..<2 {
            now += second / 20
            actions += machine.take(figures, asked: now, now: now)
        }
        return actions
    }

    mutating func ready(_ name: String) {
        _ = want(name)
        _ = answered(name)
    }

    func phase(_ name: String) -> EnginePhase { machine.phase(of: name).phase }
}

@Suite struct EngineMachineTests {
    @Test func manyWishesAreOneStart() {
        var drive = Drive(["a": terms()])
        #expect(drive.phase("a") == .asleep)
        #expect(drive.want("a") == [.tell("a", .starting), .start("a")])
        for _ in 0..<100 { #expect(drive.want("a") == []) }
        #expect(drive.phase("a") == .starting)
        #expect(drive.want("nobody") == [])
        #expect(drive.answered("a") == [.tell("a", .ready)])
        #expect(drive.answered("a") == [])
        #expect(drive.phase("a") == .ready)
        #expect(drive.machine.servers["a"]?.starts == 1)
    }

    @Test func anIdleOneEndsWhenNothingIsUnderWayTwice() {
        var drive = Drive(["a": terms(idle: 10 * second)])
        drive.ready("a")
        #expect(drive.machine.figuresPeriod(now: drive.now) == second)
        #expect(drive.rest(9 * second) == [])
        drive.figures = ["a": (1, 1)]
        #expect(drive.rest(2 * second) == [], "it had something to do")
        drive.figures = ["a": (0, 1)]
        #expect(drive.rest(9 * second) == [])
        #expect(drive.pass(60 * second) == [], "nobody has looked")
        #expect(drive.rest(1) == [.tell("a", .stopping(.idle))])
        #expect(drive.machine.figuresPeriod(now: drive.now) == second / 50)
        #expect(drive.phase("a") == .stopping)
        #expect(drive.machine.take([:], asked: drive.now, now: drive.now) == [], "asked before the proxies were told")
        #expect(drive.machine.take(["a": (0, 1)], asked: drive.now + 1, now: drive.now + 1) == [])
        #expect(drive.machine.take(["a": (1, 2)], asked: drive.now + 2, now: drive.now + 2) == [])
        #expect(drive.machine.take(["a": (0, 2)], asked: drive.now + 3, now: drive.now + 3) == [], "once is not twice")
        #expect(drive.machine.take(["a": (0, 2)], asked: drive.now + 4, now: drive.now + 4) == [.stop("a")])
        #expect(drive.phase("a") == .stopping)
        #expect(drive.ended("a") == [.tell("a", .stopped)])
        #expect(drive.phase("a") == .asleep)
    }

    @Test func aRequestKeepsAnIdleOneFromEnding() {
        var drive = Drive(["a": terms(idle: 10 * second)])
        drive.ready("a")
        #expect(drive.rest(10 * second) == [.tell("a", .stopping(.idle))])
        #expect(drive.want("a") == [.tell("a", .ready)])
        #expect(drive.phase("a") == .ready)
        #expect(drive.idle() == [])
        #expect(drive.pass(9 * second) == [])
    }

    @Test func whoIsToldToEndAndWantedMeanwhileStartsAgain() {
        var drive = Drive(["a": terms(idle: 10 * second)])
        drive.ready("a")
        _ = drive.rest(10 * second)
        #expect(drive.idle() == [.stop("a")])
        #expect(drive.want("a") == [], "it has been told to end")
        #expect(drive.ended("a") == [.tell("a", .stopped), .tell("a", .starting), .start("a")])
    }

    @Test func whatDoesNotEndIsKilled() {
        var drive = Drive(["a": terms(idle: second)])
        drive.ready("a")
        _ = drive.rest(second)
        #expect(drive.idle() == [.stop("a")])
        #expect(drive.pass(4 * second) == [])
        #expect(drive.pass(second) == [.kill("a")])
        #expect(drive.pass(second) == [])
        #expect(drive.pass(5 * second) == [.kill("a")], "again, for one that comes back")
        #expect(drive.ended("a", "signal 9") == [.tell("a", .stopped)])
    }

    @Test func oneThatDoesNotGetReadyIsLeftAloneForLonger() {
        var drive = Drive(["a": terms()])
        var waits: [UInt64] = []
        for _ in 0..<8 {
            #expect(drive.want("a").contains(.start("a")))
            let actions = drive.pass(10 * second)
            #expect(actions == [.tell("a", .failed("it was not ready in 10000 ms")), .stop("a")])
            let (phase, retry) = drive.machine.phase(of: "a")
            #expect(phase == .failed)
            waits.append(((retry ?? 0) - drive.now) / second)
            #expect(drive.ended("a") == [])
            #expect(drive.want("a") == [], "it is left alone")
            #expect(drive.phase("a") == .failed)
            _ = drive.pass((retry ?? 0) - drive.now)
            #expect(drive.phase("a") == .asleep)
        }
        #expect(waits == [1, 2, 4, 8, 16, 32, 60, 60])
    }

    @Test func oneThatCannotBeStartedFails() {
        var drive = Drive(["a": terms()])
        _ = drive.want("a")
        #expect(drive.machine.refused("a", "no such file", now: drive.now) == [.tell("a", .failed("no such file"))])
        #expect(drive.machine.phase(of: "a").retry == drive.now + second)
        #expect(drive.machine.servers["a"]?.fault == "no such file")
        #expect(drive.machine.order("a", now: drive.now) == [.tell("a", .starting), .start("a")], "by hand it is tried at once")
        #expect(drive.machine.servers["a"]?.setbacks == 0)
    }

    @Test func aCrashIsARestart() {
        var drive = Drive(["a": terms()])
        drive.ready("a")
        for wait in [UInt64(1), 2, 4, 8] {
            #expect(drive.ended("a", "signal 11") == [.tell("a", .crashed("signal 11"))])
            #expect(drive.phase("a") == .starting)
            #expect(drive.pass(wait * second - 1) == [])
            #expect(drive.pass(1) == [.tell("a", .starting), .start("a")])
            _ = drive.answered("a")
        }
        #expect(
            drive.ended("a", "signal 11") == [
                .tell("a", .crashed("signal 11")), .tell("a", .failed("it crashed 5 times in a row")),
            ])
        #expect(drive.phase("a") == .failed)
        #expect(drive.machine.servers["a"]?.crashes == 5)
    }

    @Test func aGoodRunMakesUpForCrashes() {
        var drive = Drive(["a": terms()])
        drive.ready("a")
        for _ in 0..<20 {
            drive.now += 61 * second
            #expect(drive.ended("a", "exit 1") == [.tell("a", .crashed("exit 1"))])
            #expect(drive.pass(second) == [.tell("a", .starting), .start("a")])
            _ = drive.answered("a")
        }
    }

    @Test func ofASetOneRuns() {
        var drive = Drive(["a": terms("gpu"), "b": terms("gpu"), "c": terms("other"), "d": terms()])
        drive.ready("a")
        #expect(drive.want("b") == [], "it has only just become ready")
        #expect(drive.phase("b") == .starting)
        for name in ["c", "d"] { #expect(drive.want(name).contains(.start(name)), "another set's") }
        _ = drive.want("b")
        #expect(drive.pass(second) == [.tell("a", .stopping(.swap))])
        #expect(drive.machine.take(["a": (3, 3)], asked: drive.now + 1, now: drive.now + 1) == [])
        _ = drive.want("b")
        #expect(drive.want("a") == [])
        #expect(drive.idle() == [.stop("a")])
        #expect(drive.machine.servers["b"]?.starts == 0)
        #expect(drive.ended("a") == [.tell("a", .stopped), .tell("b", .starting), .start("b")])
        // Who was told to go while wanted waits for its turn.
        #expect(drive.phase("a") == .starting)
    }

    @Test func twoTakeTurnsFiftyTimes() {
        var drive = Drive(["a": terms("gpu"), "b": terms("gpu")])
        var (here, there) = ("a", "b")
        drive.ready("a")
        for _ in 0..<50 {
            _ = drive.want(there)
            #expect(drive.pass(second) == [.tell(here, .stopping(.swap))])
            _ = drive.want(here)
            #expect(drive.idle([here: (0, 1)]) == [.stop(here)])
            #expect(drive.ended(here) == [.tell(here, .stopped), .tell(there, .starting), .start(there)])
            #expect(drive.answered(there) == [.tell(there, .ready)])
            let running = drive.machine.servers.values.count { $0.state.holdsSet }
            #expect(running == 1)
            (here, there) = (there, here)
        }
        #expect(drive.machine.servers["a"]?.starts == 26 && drive.machine.servers["b"]?.starts == 25)
    }

    /// Who starts in a moment is not kept for long, and who loads for long not for ever.
    @Test(arguments: [(0, 250), (400, 400), (5000, 1000)] as [(UInt64, UInt64)])
    func whoIsReadyStaysAsLongAsItsStartTook(start: UInt64, stay: UInt64) {
        let millisecond = second / 1000
        var drive = Drive(["a": terms("gpu"), "b": terms("gpu")])
        _ = drive.want("a")
        drive.now += start * millisecond
        _ = drive.answered("a")
        #expect(drive.want("b") == [])
        #expect(drive.pass(stay * millisecond - 1) == [])
        #expect(drive.pass(1) == [.tell("a", .stopping(.swap))])
    }

    /// What is over soon is seen soon; what takes minutes is not asked for all the time, until it may be over.
    @Test func theLongerItTakesTheLessIsAsked() {
        var drive = Drive(["a": terms(), "b": terms()])
        #expect(drive.machine.figuresPeriod(now: drive.now) == nil && drive.machine.tickPeriod == second / 4)
        drive.ready("a")
        #expect(drive.machine.figuresPeriod(now: drive.now) == nil, "nobody has to know")
        _ = drive.machine.dismiss("a", now: drive.now)
        let millisecond = second / 1000
        #expect(drive.machine.tickPeriod == 10 * millisecond)
        for (after, period) in [(0, 20), (320, 20), (1600, 100), (60_000, 250)] as [(UInt64, UInt64)] {
            #expect(drive.machine.figuresPeriod(now: drive.now + after * millisecond) == period * millisecond)
        }
        drive.now += 60 * second
        #expect(drive.machine.take([:], asked: drive.now, now: drive.now) == [])
        #expect(drive.machine.figuresPeriod(now: drive.now) == 20 * millisecond)
    }

    @Test func whoIsWantedNoMoreMakesNobodyGo() {
        var drive = Drive(["a": terms("gpu"), "b": terms("gpu")])
        drive.ready("a")
        _ = drive.want("b")
        #expect(drive.pass(second) == [.tell("a", .stopping(.swap))])
        _ = drive.machine.take(["a": (1, 1)], asked: drive.now + 1, now: drive.now + 1)
        let actions = drive.pass(EngineMachine.patience) + drive.pass(1)
        #expect(actions == [.tell("a", .ready)])
        #expect(drive.phase("b") == .asleep)
    }

    @Test func threeOfASetTakeTurns() {
        var drive = Drive(["a": terms("gpu"), "b": terms("gpu"), "c": terms("gpu")])
        drive.ready("a")
        _ = drive.want("c")
        drive.now += 1
        _ = drive.want("b")
        _ = drive.pass(second)
        #expect(drive.idle() == [.stop("a")])
        #expect(drive.ended("a").contains(.start("c")), "the one that came first")
        _ = drive.answered("c")
        _ = drive.want("b")
        #expect(drive.pass(second) == [.tell("c", .stopping(.swap))])
    }

    @Test func aCrashLeavesTheSetToOthers() {
        var drive = Drive(["a": terms("gpu"), "b": terms("gpu")])
        drive.ready("a")
        _ = drive.want("b")
        #expect(drive.ended("a", "signal 9") == [.tell("a", .crashed("signal 9")), .tell("b", .starting), .start("b")])
        #expect(drive.pass(second) == [], "a waits for its turn")
    }

    @Test func byHandItEndsAndStaysAsleep() {
        var drive = Drive(["a": terms()])
        drive.ready("a")
        #expect(drive.machine.dismiss("a", now: drive.now) == [.tell("a", .stopping(.hand))])
        #expect(drive.idle() == [.stop("a")])
        #expect(drive.ended("a") == [.tell("a", .stopped)])
        #expect(drive.pass(3600 * second) == [])
        #expect(drive.machine.order("a", now: drive.now) == [.tell("a", .starting), .start("a")])
        #expect(
            drive.machine.dismiss("a", now: drive.now) == [.tell("a", .stopping(.hand)), .stop("a")], "nothing can be under way")
    }

    @Test func orderedOneWaitsForItsSetThoughNobodyAsks() {
        var drive = Drive(["a": terms("gpu"), "b": terms("gpu")])
        drive.ready("a")
        #expect(drive.machine.order("b", now: drive.now) == [])
        #expect(drive.pass(2 * second) == [.tell("a", .stopping(.swap))])
        _ = drive.machine.take(["a": (1, 1)], asked: drive.now + 1, now: drive.now + 1)
        #expect(drive.pass(60 * second) == [], "a has something to do")
        #expect(drive.idle() == [.stop("a")])
        #expect(drive.ended("a").contains(.start("b")))
    }

    @Test func whatIsNoLongerConfiguredEnds() {
        var drive = Drive(["a": terms(), "b": terms()])
        drive.ready("a")
        #expect(drive.machine.adopt(["c": terms()], now: drive.now) == [.tell("a", .stopping(.gone))])
        #expect(drive.machine.servers.keys.sorted() == ["a", "c"])
        #expect(drive.want("a") == [])
        #expect(drive.idle() == [.stop("a")])
        #expect(drive.ended("a") == [.tell("a", .stopped)])
        #expect(drive.machine.servers.keys.sorted() == ["c"])
    }

    @Test func whatWasFoundRunsOn() {
        var drive = Drive(["a": terms(), "b": terms()])
        drive.machine.found("a", isReady: true, starts: 3, crashes: 1, now: drive.now)
        drive.machine.found("b", isReady: false, now: drive.now)
        #expect(drive.phase("a") == .ready && drive.phase("b") == .starting)
        #expect(drive.want("a") == [] && drive.want("b") == [])
        #expect(drive.machine.servers["a"]?.starts == 3)
        #expect(drive.machine.outdate("a", now: drive.now) == [.tell("a", .stopping(.changed))])
    }

    @Test func whatCannotBeIsIgnored() {
        var drive = Drive(["a": terms()])
        #expect(drive.ended("a") == [] && drive.ended("x") == [])
        #expect(drive.answered("a") == [] && drive.answered("x") == [])
        #expect(drive.machine.refused("a", "no", now: drive.now) == [])
        #expect(drive.machine.dismiss("x", now: drive.now) == [] && drive.machine.order("x", now: drive.now) == [])
        #expect(drive.machine.take(["x": (1, 1)], asked: drive.now, now: drive.now) == [])
        #expect(drive.phase("x") == .asleep && drive.phase("a") == .asleep)
    }
}
