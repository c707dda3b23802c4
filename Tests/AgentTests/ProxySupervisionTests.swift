import Testing

@testable import Agent

@Suite struct ProxySupervisionTests {
    private let start = ContinuousClock.now

    @Test func startsTheProxyAtOnceWhenNoneRuns() {
        var supervision = ProxySupervision(spawns: true)
        #expect(supervision.begin(alive: false, now: start) == [.spawn])
        #expect(supervision.connected(compatible: true, now: start + .milliseconds(50)).isEmpty)
        #expect(supervision.phase == .running(since: start + .milliseconds(50)))
        #expect(supervision.deadline == nil)
        #expect(supervision.restarts == 0)
    }

    @Test func adoptsAProxyThatConnectsInTime() {
        var supervision = ProxySupervision(spawns: true)
        #expect(supervision.begin(alive: true, now: start).isEmpty)
        #expect(supervision.deadline == start + .milliseconds(1500))
        #expect(supervision.connected(compatible: true, now: start + .seconds(1)).isEmpty)
        #expect(supervision.tick(alive: true, now: start + .seconds(60)).isEmpty)
        // The first start that follows is a restart of what was adopted.
        _ = supervision.exited(now: start + .seconds(61))
        #expect(supervision.tick(alive: false, now: start + .seconds(62)) == [.spawn])
        #expect(supervision.restarts == 1)
    }

    @Test func killsAProxyThatDoesNotConnect() {
        var supervision = ProxySupervision(spawns: true)
        _ = supervision.begin(alive: true, now: start)
        #expect(supervision.tick(alive: true, now: start + .milliseconds(1499)).isEmpty)
        #expect(supervision.tick(alive: true, now: start + .milliseconds(1500)) == [.kill])
        #expect(supervision.connected(compatible: true, now: start + .milliseconds(1501)).isEmpty, "too late to be kept")
        #expect(supervision.exited(now: start + .milliseconds(1600)) == [.spawn])
    }

    @Test func startsWhenTheExpectedProxyIsGone() {
        var supervision = ProxySupervision(spawns: true)
        _ = supervision.begin(alive: true, now: start)
        #expect(supervision.tick(alive: false, now: start + .seconds(2)) == [.spawn])
    }

    @Test func replacesAProxyOfAnotherVersion() {
        var supervision = ProxySupervision(spawns: true)
        _ = supervision.begin(alive: true, now: start)
        #expect(supervision.connected(compatible: false, now: start) == [.requestStop])
        let deadline = supervision.deadline
        #expect(deadline == start + ProxySupervision.evictionWait)
        // Coming back does not buy it time.
        #expect(supervision.connected(compatible: false, now: start + .seconds(4)) == [.requestStop])
        #expect(supervision.deadline == deadline)
        #expect(supervision.tick(alive: true, now: start + .seconds(5)) == [.kill])
        #expect(supervision.exited(now: start + .seconds(5)) == [.spawn])
    }

    @Test func restartsWithGrowingPauses() {
        var supervision = ProxySupervision(spawns: true)
        var now = start
        #expect(supervision.begin(alive: false, now: now) == [.spawn])
        for pause in [100, 200, 400, 800, 1600, 2000, 2000, 2000] {
            #expect(supervision.exited(now: now).isEmpty)
            #expect(supervision.deadline == now + .milliseconds(pause))
            #expect(supervision.tick(alive: false, now: now + .milliseconds(pause - 1)).isEmpty)
            now += .milliseconds(pause)
            #expect(supervision.tick(alive: false, now: now) == [.spawn])
        }
        #expect(supervision.restarts == 8)
    }

    @Test func givesAnUnlinkedProxyTimeToComeBack() {
        var supervision = ProxySupervision(spawns: true)
        _ = supervision.begin(alive: false, now: start)
        _ = supervision.connected(compatible: true, now: start)
        #expect(supervision.disconnected(now: start + .seconds(30)).isEmpty)
        #expect(supervision.connected(compatible: true, now: start + .seconds(31)).isEmpty)
        // Still the run that began at the start: a crash after it is not answered with a long pause.
        #expect(supervision.phase == .running(since: start))
        _ = supervision.disconnected(now: start + .seconds(32))
        #expect(supervision.tick(alive: true, now: start + .seconds(42)) == [.kill])
    }

    @Test func killsAStartedProxyThatNeverConnects() {
        var supervision = ProxySupervision(spawns: true)
        _ = supervision.begin(alive: false, now: start)
        #expect(supervision.tick(alive: true, now: start + .seconds(9)).isEmpty)
        #expect(supervision.tick(alive: true, now: start + .seconds(10)) == [.kill])
    }

    @Test func neverStartsAnExternalProxy() {
        var supervision = ProxySupervision(spawns: false)
        #expect(supervision.begin(alive: false, now: start).isEmpty)
        #expect(supervision.connected(compatible: false, now: start).isEmpty)
        #expect(supervision.connected(compatible: true, now: start).isEmpty)
        #expect(supervision.phase == .running(since: start))
        #expect(supervision.exited(now: start).isEmpty)
        #expect(supervision.deadline == nil)
        #expect(supervision.tick(alive: false, now: start + .seconds(100)).isEmpty)
        #expect(supervision.restarts == 0)
    }

    @Test func staysAwayOnceStopped() {
        var supervision = ProxySupervision(spawns: true)
        _ = supervision.begin(alive: false, now: start)
        supervision.stop()
        #expect(supervision.exited(now: start).isEmpty)
        #expect(supervision.connected(compatible: true, now: start) == [.requestStop])
        #expect(supervision.tick(alive: false, now: start + .seconds(100)).isEmpty)
    }
}
