import Catalog
import Control
import Flow
import Routing
import Telemetry
import Testing

/// What is tried again, where, and when no more.
@Suite struct RetryTests {
    static let m = Text.post()

    @Test(arguments: [429, 500, 502, 503, 504]) func aBadStatusIsTriedElsewhereAtOnce(status: Int) {
        var driver = FlowDriver(FlowDriver.pair())
        driver.client(Self.m)
        #expect(driver.connect() == FlowDriver.engine)
        driver.connected()
        let first = driver.takeUpstream()
        driver.upstream(Text.failure(status))
        #expect(driver.takeClient().isEmpty)
        let actions = driver.takeActions()
        #expect(
            actions.contains(.releaseUpstream(reusable: false)) && actions.last == .connect(FlowDriver.second, .pooled, tls: 0))
        driver.connected()
        #expect(driver.takeUpstream().hasSuffix(Text.body) && first.hasSuffix(Text.body))
        driver.upstream(Text.answer)
        #expect(driver.takeClient().hasPrefix("HTTP/1.1 200 "))
        #expect(driver.underWay == 0 && driver.route("m")?.retries == 1)
    }

    @Test(arguments: [400, 401, 404, 422, 501]) func otherStatusesGoOn(status: Int) {
        var driver = FlowDriver(FlowDriver.pair())
        driver.client(Self.m)
        driver.connected()
        driver.upstream(Text.failure(status))
        #expect(driver.takeClient().hasPrefix("HTTP/1.1 \(status) "))
        #expect(driver.underWay == 0 && driver.route("m")?.retries == 0)
    }

    @Test(arguments: ["reset", "eof", "half a head", "head without a body", "garbage"]) func noAnswerIsTriedElsewhere(how: String)
    {
        var driver = FlowDriver(FlowDriver.pair())
        driver.client(Self.m)
        driver.connected()
        if how == "half a head" { driver.upstream("HTTP/1.1 200 OK\r\nConte") }
        if how == "head without a body" { driver.upstream("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n") }
        _ = driver.takeActions()
        switch how {
        case "reset": driver.failed(.upstream)
        case "garbage": driver.upstream("garbage\r\n\r\n")
        default: driver.ended(.upstream)
        }
        #expect(driver.connect() == FlowDriver.second)
        driver.connected()
        driver.upstream(Text.answer)
        let answer = driver.takeClient()
        #expect(answer.hasPrefix("HTTP/1.1 200 ") && answer.hasSuffix("\r\n\r\nok") && driver.underWay == 0)
    }

    @Test func afterTheFirstByteNothingIsTriedAgain() {
        var driver = FlowDriver(FlowDriver.pair())
        driver.client(Self.m)
        driver.connected()
        driver.upstream("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nx")
        _ = driver.takeActions()
        driver.failed(.upstream)
        #expect(driver.connect() == nil && driver.flow.state == .closing && driver.underWay == 0)
    }

    @Test func theLastAnswerIsPassedOnWhenNothingIsLeft() {
        var driver = FlowDriver(FlowDriver.pair(RetryPolicy(attempts: 2)))
        driver.client(Self.m)
        driver.connected()
        driver.upstream(Text.failure(500))
        driver.connected()
        driver.upstream(Text.failure(502))
        let answer = driver.takeClient()
        #expect(answer.hasPrefix("HTTP/1.1 502 Failed\r\n") && answer.hasSuffix("fail"))
        #expect(driver.underWay == 0 && driver.flow.state == .idle)
    }

    @Test func theOnlyEndpointIsTriedAgainAfterAPause() {
        var driver = FlowDriver(FlowDriver.single())
        driver.client(Self.m)
        driver.connected()
        _ = driver.takeActions()
        driver.upstream(Text.failure(500))
        #expect(driver.connect() == nil && driver.flow.state == .connecting && driver.underWay == 0)
        #expect(driver.flow.deadline - driver.context.now <= 50_000_001)
        driver.timeout()
        #expect(driver.connect() == FlowDriver.engine)
        driver.connected()
        driver.upstream(Text.answer)
        #expect(driver.takeClient().hasPrefix("HTTP/1.1 200 "))
    }

    @Test func retryAfterIsHonouredUpToTheLongestPause() {
        var driver = FlowDriver(FlowDriver.single())
        driver.client(Self.m)
        driver.connected()
        driver.upstream(Text.failure(429, fields: "Retry-After: 1\r\n"))
        #expect(driver.takeClient().isEmpty)
        #expect(driver.flow.deadline - driver.context.now >= 1_000_000_000)
        driver.timeout()
        driver.connected()
        driver.upstream(Text.failure(429, fields: "Retry-After: 30\r\n"))
        let answer = driver.takeClient()
        #expect(answer.hasPrefix("HTTP/1.1 429 ") && answer.contains("Retry-After: 30\r\n") && driver.underWay == 0)
    }

    @Test(arguments: ["Authorization: Bearer mine\r\n", "x-api-key: mine\r\n", "Api-Key: mine\r\n", ""], [false, true])
    func whatACallersOwnCredentialsMayNotIsNotOthers(fields: String, isKeyed: Bool) {
        var catalog = FlowDriver.pair()
        for index in 0..<2 { catalog.models[0].endpoints[index].forwardsCredentials = true }
        if isKeyed { catalog.models[0].endpoints[0].key = Secret("k") }
        for status in [429, 503] {
            var driver = FlowDriver(catalog)
            driver.client(Text.post(fields: fields))
            driver.connected()
            _ = driver.takeActions()
            driver.upstream(Text.failure(status, fields: "Retry-After: 30\r\n"))
            #expect(driver.connect() == FlowDriver.second)
            driver.connected()
            driver.upstream(Text.answer)
            driver.client(Self.m)
            #expect(driver.connect() == (fields.isEmpty || isKeyed ? FlowDriver.second : FlowDriver.engine))
        }
    }

    @Test(arguments: ["Authorization: Bearer mine\r\n", ""])
    func whatIsLeftOfACallersLimitsIsNotOthers(fields: String) {
        var catalog = FlowDriver.pair(RetryPolicy(), .rateLimitAware(threshold: 80))
        for index in 0..<2 { catalog.models[0].endpoints[index].forwardsCredentials = true }
        var driver = FlowDriver(catalog)
        driver.client(Text.post(fields: fields))
        driver.connected()
        let limits = "x-ratelimit-limit-requests: 10\r\nx-ratelimit-remaining-requests: 1\r\nx-ratelimit-reset-requests: 9s\r\n"
        _ = driver.takeActions()
        driver.upstream("HTTP/1.1 200 OK\r\n\(limits)Content-Length: 2\r\n\r\nok")
        driver.client(Self.m)
        #expect(driver.connect() == (fields.isEmpty ? FlowDriver.second : FlowDriver.engine))
    }

    @Test func aBadStatusIsTriedElsewhereAfterAReloadToo() {
        var driver = FlowDriver(FlowDriver.pair())
        driver.client(Self.m)
        driver.connected()
        _ = driver.takeActions()
        driver.adopt(FlowDriver.pair())
        driver.upstream(Text.failure(500))
        #expect(driver.takeClient().isEmpty && driver.connect() == FlowDriver.second)
        driver.connected()
        driver.upstream(Text.answer)
        #expect(driver.takeClient().hasPrefix("HTTP/1.1 200 ") && driver.underWay == 0)
    }

    @Test func aClientThatGoesDuringThePauseEndsIt() {
        for end in [0, 1, 2] {
            var driver = FlowDriver(FlowDriver.single())
            driver.client(Self.m)
            driver.connected()
            driver.upstream(Text.failure(500))
            _ = driver.takeActions()
            switch end {
            case 0: driver.ended(.client)
            case 1: driver.failed(.client)
            default: driver.hungUp()
            }
            #expect(driver.takeActions().last == .close(.client) && driver.underWay == 0)
            #expect(driver.context.ledger.statistics().models.first { $0.name == "m" }?.counters.active == 0)
        }
    }

    @Test func aReloadDuringThePauseIsFollowed() {
        var driver = FlowDriver(FlowDriver.single())
        driver.client(Self.m)
        driver.connected()
        driver.upstream(Text.failure(500))
        _ = driver.takeActions()
        var next = FlowDriver.pair()
        next.models[0].endpoints.removeFirst()
        next.models.insert(Model(name: "a", endpoints: []), at: 0)
        driver.adopt(next)
        driver.timeout()
        #expect(driver.connect() == FlowDriver.second)
        driver.connected()
        driver.upstream(Text.answer)
        #expect(driver.takeClient().hasPrefix("HTTP/1.1 200 ") && driver.underWay == 0)
    }

    @Test func aReloadThatTakesTheModelAwayIsToldSo() {
        var driver = FlowDriver(FlowDriver.single())
        driver.client(Self.m)
        driver.connected()
        driver.upstream(Text.failure(500))
        driver.adopt(Catalog())
        driver.timeout()
        #expect(driver.takeClient().hasPrefix("HTTP/1.1 503 ") && driver.underWay == 0 && driver.flow.state == .idle)
    }

    @Test func aSlowFirstByteIsTriedElsewhere() {
        var driver = FlowDriver(FlowDriver.pair(RetryPolicy(attempts: 2, firstByteTimeout: 100)))
        driver.client(Self.m)
        driver.connected()
        _ = driver.takeActions()
        driver.upstream("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n")
        #expect(driver.flow.deadline - driver.context.now == 100_000_000)
        driver.timeout()
        #expect(driver.connect() == FlowDriver.second)
        driver.connected()
        driver.timeout()
        #expect(driver.takeClient().hasPrefix("HTTP/1.1 504 ") && driver.underWay == 0)
    }

    @Test func aKeptConnectionThatHadClosedCostsNothing() {
        var driver = FlowDriver(FlowDriver.pair(RetryPolicy(attempts: 1)))
        driver.client(Self.m)
        _ = driver.takeActions()
        driver.connected(reused: true)
        driver.ended(.upstream)
        #expect(driver.takeActions().last == .connect(FlowDriver.engine, .fresh, tls: 0))
        #expect(driver.underWay == 1 && driver.route("m")?.retries == 0)
        driver.connected()
        driver.upstream(Text.answer)
        #expect(driver.takeClient().hasPrefix("HTTP/1.1 200 ") && driver.underWay == 0)
    }
}
