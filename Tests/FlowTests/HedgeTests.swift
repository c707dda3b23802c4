import Catalog
import Control
import Flow
import Routing
import Telemetry
import Testing

/// The race of two endpoints, and copies of requests.
@Suite struct HedgeTests {
    /// A driver whose route knows how fast its endpoints are, with a request that waits for longer than that.
    static func racing() -> FlowDriver {
        var driver = FlowDriver(FlowDriver.pair(RetryPolicy(hedges: true)))
        for _ in 0..<100 {
            driver.client(Text.post())
            driver.connected()
            driver.context.now += 10_000_000
            driver.upstream(Text.answer)
        }
        driver.client(Text.post())
        driver.connected()
        _ = (driver.takeActions(), driver.takeClient(), driver.takeUpstream())
        driver.timeout()
        #expect(driver.takeActions() == [.connectHedge(FlowDriver.second, tls: 0)])
        #expect(driver.underWay == 2 && driver.route("m")?.hedges == 1)
        return driver
    }

    @Test func theFirstOneWins() {
        var driver = Self.racing()
        driver.hedgeConnected()
        #expect(driver.takeHedge().hasSuffix(Text.body))
        driver.upstream("HTTP/1.1 2")
        #expect(driver.takeActions() == [.releaseHedge])
        #expect(driver.underWay == 1)
        driver.upstream("00 OK\r\nContent-Length: 2\r\n\r\nok")
        #expect(driver.takeClient().hasSuffix("ok") && driver.underWay == 0 && driver.route("m")?.hedgesWon == 0)
    }

    @Test func theSecondOneWins() {
        var driver = Self.racing()
        driver.hedgeConnected()
        driver.give(.hedge, Array("HTTP/1.1 2".utf8))
        #expect(driver.takeActions().isEmpty)
        driver.give(.hedge, Array("00 OK\r\nContent-Length: 2\r\n\r\no".utf8))
        #expect(driver.takeActions() == [.promoteHedge])
        #expect(driver.underWay == 1 && driver.route("m")?.hedgesWon == 1 && driver.flow.endpoint == FlowDriver.second)
        driver.upstream("k")
        let answer = driver.takeClient()
        #expect(answer.hasPrefix("HTTP/1.1 200 OK\r\n") && answer.hasSuffix("ok") && driver.underWay == 0)
    }

    @Test(arguments: ["HTTP/1.1 500 ", "HTTP/1.1 429 ", "HTTP/1.1 100 ", "garbage, all"]) func aBadSecondOneIsDropped(
        start: String
    ) {
        var driver = Self.racing()
        driver.hedgeConnected()
        driver.give(.hedge, Array(start.utf8))
        #expect(driver.takeActions() == [.releaseHedge] && driver.underWay == 1)
        driver.upstream(Text.answer)
        #expect(driver.takeClient().hasPrefix("HTTP/1.1 200 ") && driver.underWay == 0)
    }

    @Test func theSecondOneTakesOverWhenTheFirstBreaks() {
        var driver = Self.racing()
        driver.hedgeConnected()
        driver.failed(.upstream)
        #expect(driver.takeActions() == [.promoteHedge] && driver.underWay == 1)
        driver.upstream(Text.answer)
        #expect(driver.takeClient().hasPrefix("HTTP/1.1 200 ") && driver.underWay == 0)
    }

    @Test func whatTheSecondOneBeganWithIsNotLost() {
        var driver = Self.racing()
        driver.hedgeConnected()
        driver.give(.hedge, Array("HTTP/1.1 2".utf8))
        driver.failed(.upstream)
        #expect(driver.takeActions() == [.promoteHedge])
        driver.upstream("00 OK\r\nContent-Length: 2\r\n\r\nok")
        let answer = driver.takeClient()
        #expect(answer.hasPrefix("HTTP/1.1 200 OK\r\n") && answer.hasSuffix("ok") && driver.underWay == 0)
    }

    @Test(arguments: [(429, false), (103, false), (500, true), (999, true)])
    func aSecondOneIsJudgedByItsStatus(status: Int, isBad: Bool) {
        var driver = Self.racing()
        driver.hedgeConnected()
        driver.give(.hedge, Array("HTTP/1.1 \(status) ".utf8))
        let figures = driver.context.router.endpointFigures(driver.context.routes, now: driver.context.now)
        #expect(figures.last?.detail.isEmpty == true && driver.underWay == 1)
        #expect(figures.last?.failures == (isBad || status == 429 ? 1 : 0))
    }

    @Test func aSecondOneThatCannotBeHadChangesNothing() {
        var driver = Self.racing()
        driver.hedgeFailed()
        #expect(driver.takeActions() == [.releaseHedge] && driver.underWay == 1)
        driver.upstream(Text.answer)
        #expect(driver.takeClient().hasPrefix("HTTP/1.1 200 ") && driver.underWay == 0)
    }

    @Test func whoeverEndsTheRequestEndsBoth() {
        for ending in 0..<4 {
            var driver = Self.racing()
            if ending > 1 { driver.hedgeConnected() }
            _ = driver.takeActions()
            if ending % 2 == 0 { driver.ended(.client) } else { driver.failed(.client) }
            #expect(driver.takeActions().contains(.releaseHedge) && driver.underWay == 0)
        }
        var late = Self.racing()
        late.ended(.client)
        _ = late.takeActions()
        late.hedgeConnected()
        #expect(late.takeActions() == [.releaseHedge])
    }

    @Test func anotherModelOfThePoolMayWin() {
        var driver = FlowDriver(FlowDriver.pool(RetryPolicy(hedges: true)))
        for _ in 0..<100 {
            driver.client(Text.ask("chat"))
            driver.connected()
            driver.context.now += 10_000_000
            driver.upstream(Text.answer)
        }
        driver.client(Text.ask("chat"))
        driver.connected()
        _ = (driver.takeActions(), driver.takeClient())
        driver.timeout()
        #expect(driver.takeActions() == [.connectHedge(FlowDriver.second, tls: 0)])
        driver.hedgeConnected()
        #expect(driver.takeHedge().hasSuffix(#""model":"small"}"#))
        driver.give(.hedge, Array(Text.json(#"{"model":"small"}"#).utf8))
        #expect(driver.takeClient().hasSuffix(#"{"model":"chat"}"#) && driver.underWay == 0 && driver.flow.model == "small")
        let models = driver.context.ledger.statistics().models
        #expect(models.allSatisfy { $0.counters.active == 0 })
        #expect(models.first { $0.name == "small" }?.counters.requests == 1)
    }

    @Test func aCopyGoesToTheMirror() {
        var catalog = FlowDriver.pool()
        catalog.pools[0].mirror = Mirror(model: "small", percent: 100)
        var driver = FlowDriver(catalog)
        driver.client(Text.ask("chat"))
        driver.connected()
        let copy = String(decoding: driver.mirrored, as: UTF8.self)
        #expect(copy.contains("Host: e:9102\r\n") && copy.hasSuffix(#"{"messages":[],"model":"small"}"#))
        #expect(copy.contains("Content-Length: 31\r\n"))
        #expect(driver.takeUpstream().hasSuffix(#""model":"big"}"#))
        driver.mirrored = []
        driver.upstream(Text.answer)
        #expect(driver.takeClient().hasPrefix("HTTP/1.1 200 ") && driver.route("chat")?.mirrored == 1 && driver.underWay == 0)
    }

    @Test func aShareOfTheRequestsIsCopied() {
        var catalog = FlowDriver.pool()
        catalog.pools[0].mirror = Mirror(model: "small", percent: 25)
        var driver = FlowDriver(catalog)
        for _ in 0..<1000 {
            driver.client(Text.ask("chat"))
            driver.connected()
            driver.upstream(Text.answer)
        }
        let copies = driver.route("chat")?.mirrored ?? 0
        #expect(copies > 180 && copies < 320, "\(copies)")
    }
}
