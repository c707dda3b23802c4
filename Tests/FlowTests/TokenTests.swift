import Catalog
import Control
import Flow
import Identity
import Routing
import Testing

/// Tokens that are checked elsewhere, and what may happen meanwhile.
@Suite struct TokenTests {
    static let fields = IdentityTests.bearer(Gate.token)
    static let later = Gate.now + 3600

    private func asked(_ entrance: FlowRecord.Entrance = .gateway, workload: String = "") -> FlowDriver {
        var driver = FlowDriver(gate: Gate.catalog(), entrance, workload: workload)
        driver.client(Text.post(fields: Self.fields))
        #expect(driver.tokenToCheck() == Gate.token && driver.takeClient().isEmpty && driver.context.checks == 1)
        return driver
    }

    @Test func aTokenIsCheckedOnceInAWhile() {
        var driver = asked()
        driver.checked(.client(1, until: Self.later))
        #expect(driver.connect() == FlowDriver.engine && driver.context.checks == 0)
        driver.connected()
        #expect(driver.takeUpstream().contains("x-modelbroker-client: batch\r\n"))
        driver.upstream(Text.answer)
        driver.client(Text.post(fields: Self.fields))
        #expect(driver.connect() == FlowDriver.engine)
        driver.connected()
        driver.upstream(Text.answer)
        driver.context.epochMilliseconds += 301_000
        driver.client(Text.post(fields: Self.fields))
        #expect(driver.tokenToCheck() == Gate.token)
    }

    @Test(arguments: [
        (TokenFault.expired, "", 401, 401), (.signature, "shop", 401, 401), (.algorithm, "shop", 401, 401),
        (.unknownClient, "shop", 401, 401), (.unknownIssuer, "shop", 401, 200), (.malformed, "", 401, 401),
    ])
    func aTokenThatFails(fault: TokenFault, workload: String, atGateway: Int, captured: Int) {
        for (entrance, status) in [(FlowRecord.Entrance.gateway, atGateway), (.capture, captured)] {
            var driver = asked(entrance, workload: workload)
            driver.checked(.refused(fault))
            guard status != 200 else {
                #expect(driver.connect() == FlowDriver.engine)
                continue
            }
            let answer = driver.takeClient()
            #expect(answer.hasPrefix("HTTP/1.1 401 ") && answer.contains("WWW-Authenticate: Bearer"))
            #expect(driver.connect() == nil)
        }
    }

    @Test func aTokenOfAnotherThanTheWorkload() {
        var driver = asked(.capture, workload: "shop")
        driver.checked(.client(1, until: Self.later))
        #expect(driver.takeClient().contains("identity_conflict"))
    }

    @Test func theClientGoesMeanwhile() {
        for leave in [{ (driver: inout FlowDriver) in driver.ended(.client) }, { $0.hungUp() }, { $0.failed(.client) }] {
            var driver = asked()
            leave(&driver)
            #expect(driver.flow.state == .closing && driver.context.checks == 0)
            driver.checked(.client(1, until: Self.later))
            #expect(driver.connect() == nil && driver.takeClient().isEmpty)
        }
    }

    @Test func theVerdictIsLate() {
        var driver = asked()
        driver.timeout()
        let answer = driver.takeClient()
        #expect(
            answer.hasPrefix("HTTP/1.1 503 ") && answer.contains("server_is_overloaded") && answer.contains("Retry-After: 1\r\n"))
        #expect(driver.takeActions().last == .close(.client) && driver.context.checks == 0)
        driver.client(Text.post(fields: Self.fields))
        driver.checked(.client(1, until: Self.later))
        #expect(driver.connect() == nil)
    }

    @Test func whatIsSentAheadWaits() {
        var driver = asked()
        driver.client(Text.post(fields: IdentityTests.bearer(Gate.checkout)))
        #expect(driver.connect() == nil)
        driver.checked(.client(1, until: Self.later))
        driver.connected()
        driver.upstream(Text.answer)
        driver.connected()
        driver.upstream(Text.answer)
        #expect(driver.takeUpstream().components(of: "x-modelbroker-client: ") == ["batch", "checkout"])
        #expect(driver.takeClient().split(separator: "HTTP/1.1 200 OK").count == 2)
    }

    @Test func aLargeBodyComesAfterTheVerdict() {
        var driver = FlowDriver(gate: Gate.catalog())
        let body = #"{"model":"m","prompt":""# + String(repeating: "x", count: 100_000) + #""}"#
        let request = Text.post(body, fields: Self.fields)
        let head = request.utf8.count - body.utf8.count
        driver.give(.client, Array(request.utf8.prefix(head)))
        #expect(driver.tokenToCheck() == Gate.token)
        driver.give(.client, Array(request.utf8.dropFirst(head)))
        driver.checked(.client(1, until: Self.later))
        #expect(driver.connect() == FlowDriver.engine)
        driver.connected()
        #expect(driver.takeUpstream().hasSuffix(body))
    }

    @Test func aVerdictOfAnOlderCatalogueIsAskedAgain() {
        var driver = asked()
        driver.adopt(gate: Gate.catalog { $0.clients.swapAt(0, 1) })
        driver.checked(.client(1, until: Self.later))
        #expect(driver.tokenToCheck() == Gate.token && driver.context.checks == 1)
        driver.checked(.client(0, until: Self.later))
        driver.connected()
        #expect(driver.takeUpstream().contains("x-modelbroker-client: batch\r\n"))
    }

    @Test func checksAreBounded() {
        var driver = FlowDriver(gate: Gate.catalog())
        var waiting: [Flow] = []
        for number in 0..<256 {
            driver.flow = Flow(driver.flow.caller, &driver.context)
            driver.client(Text.post(fields: IdentityTests.bearer("\(Gate.token)\(number)")))
            waiting.append(driver.flow)
        }
        #expect(driver.context.checks == 256)
        driver.flow = Flow(driver.flow.caller, &driver.context)
        driver.client(Text.post(fields: IdentityTests.bearer("\(Gate.token)x")))
        #expect(driver.takeClient().hasPrefix("HTTP/1.1 503 "))
        for flow in waiting {
            driver.flow = flow
            driver.flow.abandon(&driver.context, &driver.out)
        }
        #expect(driver.context.checks == 0)
    }

    @Test func whoCantCheckSaysSo() {
        var driver = asked()
        driver.flow.tokenUnchecked(&driver.context, &driver.out)
        driver.give(.upstream, [])
        #expect(driver.takeClient().hasPrefix("HTTP/1.1 503 "))
    }

    @Test func whatIsTooLongIsNoToken() {
        var driver = FlowDriver(gate: Gate.catalog())
        driver.client(Text.post(fields: IdentityTests.bearer("eyJ" + String(repeating: "a", count: 9000) + ".b.c")))
        #expect(driver.tokenToCheck() == nil && driver.takeClient().hasPrefix("HTTP/1.1 401 "))
    }
}

extension String {
    /// What follows each `mark`, up to the end of its line.
    func components(of mark: String) -> [String] {
        split(separator: "\r\n").filter { $0.hasPrefix(mark) }.map { String($0.dropFirst(mark.count)) }
    }
}
