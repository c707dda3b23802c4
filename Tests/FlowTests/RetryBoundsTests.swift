import Catalog
import Control
import Flow
import Routing
import Telemetry
import Testing

/// How much is tried again, with what, and by whom.
@Suite struct RetryBoundsTests {
    @Test func theBudgetEndsAStorm() {
        var driver = FlowDriver(FlowDriver.pair(RetryPolicy(attempts: 2, budget: 20)))
        var passed = 0
        for _ in 0..<100 {
            driver.client(RetryTests.m)
            driver.connected()
            driver.upstream(Text.failure(500))
            if driver.connect() != nil { driver.connected(); driver.upstream(Text.answer) } else { passed += 1 }
        }
        let retries = driver.route("m")?.retries ?? 0
        #expect(retries <= 20 && retries >= 10, "\(retries)")
    }

    @Test func connectFailuresGoThroughAllEndpoints() {
        var catalog = FlowDriver.pair(RetryPolicy(attempts: 2))
        catalog.models[0].endpoints.append(FlowDriver.endpoint(FlowDriver.third))
        var driver = FlowDriver(catalog)
        driver.client(RetryTests.m)
        for address in [FlowDriver.engine, FlowDriver.second, FlowDriver.third] {
            #expect(driver.connect() == address)
            driver.connectFailed()
        }
        #expect(driver.underWay == 0 && driver.route("m")?.retries == 1, "only the pause was one")
    }

    @Test func noMoreConnectionsThanCanBeCountedAreTriedAtOnce() {
        var catalog = FlowDriver.single(RetryPolicy(attempts: 1))
        catalog.models[0].endpoints = (0..<40).map { index in
            FlowDriver.endpoint(SocketAddress(ip: IPAddress(v4: 127, 0, 0, 1), port: UInt16(9200 + index)))
        }
        var driver = FlowDriver(catalog)
        driver.client(RetryTests.m)
        var tries = 0
        while driver.connect() != nil, tries < 100 {
            tries += 1
            driver.connectFailed()
        }
        #expect(tries == SmallSet.capacity + 1 && driver.underWay == 0)
        #expect(driver.takeClient().hasPrefix("HTTP/1.1 503 "))
    }

    @Test func aConnectionThatHadClosedIsNoAttempt() {
        var driver = FlowDriver(FlowDriver.pair(RetryPolicy(attempts: 2)))
        driver.client(RetryTests.m)
        driver.connected(reused: true)
        driver.ended(.upstream)
        #expect(driver.connect() == FlowDriver.engine)
        driver.connected()
        driver.upstream(Text.failure(500))
        #expect(driver.takeClient().isEmpty && driver.connect() == FlowDriver.second)
        driver.connected()
        driver.upstream(Text.failure(500))
        #expect(driver.takeClient().hasPrefix("HTTP/1.1 500 ") && driver.underWay == 0)
    }

    @Test func aHalfReceivedBodyIsSentAgainAndGoesOn() {
        var driver = FlowDriver(FlowDriver.pair())
        let text = String(repeating: "x", count: 300_000)
        let request = Array(Text.post(#"{"model":"m","text":"\#(text)"}"#).utf8)
        driver.give(.client, Array(request[..<100_000]))
        _ = driver.takeActions()
        driver.connected()
        driver.give(.client, Array(request[100_000..<200_000]))
        _ = driver.takeUpstream()
        driver.failed(.upstream)
        #expect(driver.connect() == FlowDriver.second)
        driver.connected()
        driver.give(.client, Array(request[200_000...]))
        let sent = driver.takeUpstream()
        #expect(sent.hasSuffix(text + "\"}") && sent.utf8.count > 300_000)
        driver.upstream(Text.answer)
        #expect(driver.takeClient().hasPrefix("HTTP/1.1 200 ") && driver.underWay == 0)
    }

    @Test func aBodyThatIsNotKeptIsNotSentAgain() {
        var driver = FlowDriver(FlowDriver.pair(RetryPolicy(bodyLimit: 1000)))
        let request = Array(Text.post(#"{"model":"m","text":"\#(String(repeating: "x", count: 200_000))"}"#).utf8)
        driver.give(.client, Array(request[..<100_000]))
        _ = driver.takeActions()
        driver.connected()
        driver.give(.client, Array(request[100_000...]))
        driver.upstream(Text.failure(500))
        #expect(driver.takeClient().hasPrefix("HTTP/1.1 500 ") && driver.connect() == nil && driver.underWay == 0)
    }

    @Test func aHeadWithoutEndIsGivenUpAndTriedElsewhere() {
        var driver = FlowDriver(FlowDriver.pair())
        driver.client(RetryTests.m)
        driver.connected()
        driver.upstream("HTTP/1.1 503 Busy\r\n")
        _ = driver.takeActions()
        for _ in 0..<40 where driver.flow.state == .waiting { driver.upstream("X: \(String(repeating: "y", count: 1000))\r\n") }
        #expect(driver.connect() == FlowDriver.second)
        driver.connected()
        driver.upstream(Text.answer)
        #expect(driver.takeClient().hasPrefix("HTTP/1.1 200 ") && driver.underWay == 0)
    }

    @Test func anotherModelOfThePoolIsTriedUnlessTheScopeForbids() {
        for (scope, wanted) in [(RetryPolicy.Scope.any, FlowDriver.second), (.sameModel, nil), (.sameEndpoint, nil)] {
            var driver = FlowDriver(FlowDriver.pool(RetryPolicy(scope: scope)))
            driver.client(Text.ask("chat"))
            driver.connected()
            _ = driver.takeActions()
            driver.upstream(Text.failure(500))
            #expect(driver.connect() == wanted, "\(scope)")
            guard wanted != nil else { continue }
            driver.connected()
            #expect(driver.takeUpstream().hasSuffix(#""model":"small"}"#))
            driver.upstream(Text.answer)
            let models = driver.context.ledger.statistics().models
            #expect(models.allSatisfy { $0.counters.active == 0 } && models.filter { $0.counters.requests == 1 }.count == 2)
        }
    }

    @Test func theBrokersKeyRefusedIsTriedElsewhereAndTakesTheProviderOut() {
        var catalog = FlowDriver.pair()
        catalog.models[0].endpoints[0].key = Secret("k")
        for index in 0..<2 { catalog.models[0].endpoints[index].forwardsCredentials = true }
        var driver = FlowDriver(catalog)
        driver.client(Text.post(fields: "Authorization: Bearer mine\r\nX-API-Key: mine\r\napi-key: mine\r\nX-Keep: 1\r\n"))
        driver.connected()
        let sent = driver.takeUpstream()
        #expect(sent.contains("\r\nAuthorization: Bearer k\r\n") && !sent.contains("mine") && sent.contains("X-Keep: 1"))
        _ = driver.takeActions()
        driver.upstream(Text.failure(401))
        #expect(driver.connect() == FlowDriver.second)
        driver.connected()
        #expect(driver.takeUpstream().contains("Authorization: "), "without a key of the broker's the caller's goes on")
        driver.upstream(Text.answer)
        driver.client(RetryTests.m)
        #expect(driver.connect() == FlowDriver.second)
    }
}
