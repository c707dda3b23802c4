import Catalog
import Control
import Flow
import Routing
import Telemetry
import Testing

/// Captured connections that the broker can't govern go on as they are.
@Suite struct DoNoHarmTests {
    @Test(arguments: [
        ([0x16, 0x03, 0x01, 0x02, 0x00], "tls"),
        (Array("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".utf8), "http2"),
        (Array("EHLO there\r\n".utf8), "text"),
        ([0x00, 0xFF], "binary"),
        (Array("CONNECT a:1 HTTP/1.1\r\n\r\n".utf8), "http CONNECT"),
    ])
    func otherProtocolsAreRelayed(bytes: [UInt8], guess: String) {
        var driver = FlowDriver(.capture)
        driver.give(.client, bytes)
        #expect(driver.takeActions().last == .connect(FlowDriver.dialled, .own, tls: 0))
        #expect(driver.events.last?.kind == .opaque && driver.events.last?.detail == guess)
        driver.connected()
        #expect(driver.toUpstream == bytes)
        driver.give(.upstream, [1, 2, 3])
        #expect(driver.toClient == [1, 2, 3])
        driver.give(.client, [4])
        #expect(driver.toUpstream == bytes + [4])
        driver.ended(.client)
        #expect(driver.takeActions().last == .shutdownWrite(.upstream))
        driver.give(.upstream, [5])
        #expect(driver.toClient == [1, 2, 3, 5])
    }

    @Test func aSilentConnectionIsRelayed() {
        var driver = FlowDriver(.capture)
        driver.timeout()
        #expect(driver.takeActions().last == .connect(FlowDriver.dialled, .own, tls: 0))
        driver.connected()
        driver.upstream("220 ready\r\n")
        #expect(driver.takeClient() == "220 ready\r\n")
    }

    @Test func theRuleMayForbidIt() {
        var driver = FlowDriver(.capture, strict: true)
        driver.give(.client, [0x16, 0x03, 0x01])
        #expect(driver.takeActions() == [.abort(.client)])
    }

    @Test(arguments: [
        "POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nConnection: keep-alive, x\r\nX-Service-Group: g\r\nContent-Length: 19\r\n\r\n{\"model\": \"unseen\"}",
        "GET /metrics HTTP/1.1\r\nHost: x\r\nTE: trailers\r\n\r\n",
        "POST /upload HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 3\r\n\r\n{{{",
        "PUT /x HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
    ])
    func unknownRequestsGoOnUnchanged(request: String) {
        var driver = FlowDriver(.capture)
        driver.client(request)
        #expect(driver.takeActions().last == .connect(FlowDriver.dialled, .own, tls: 0))
        driver.connected()
        #expect(driver.takeUpstream() == request)
        let answer = "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nConnection: keep-alive\r\nX: y\r\n\r\nz"
        driver.upstream(answer)
        #expect(driver.takeClient() == answer)
        _ = driver.takeActions()
        // The same upstream connection serves the caller's next request, as it would without a broker.
        driver.client(request)
        #expect(driver.takeUpstream() == request)
    }

    @Test func seenNamesAreCounted() {
        var driver = FlowDriver(.capture)
        driver.client(Text.post(#"{"model":"unseen"}"#))
        let models = driver.context.ledger.statistics().models
        #expect(models.map(\.name) == ["m", "unseen"])
        #expect(models.last?.inCatalog == false && models.last?.counters.requests == 1)
        #expect(driver.events.contains { $0.kind == .unknownModel && $0.model == "unseen" })
    }

    @Test func namesAreBounded() {
        var driver = FlowDriver(.capture)
        for number in 0..<1100 {
            driver.client(Text.post(#"{"model":"n\#(number)"}"#))
            driver.connected()
            driver.upstream(Text.answer)
        }
        let models = driver.context.ledger.statistics().models
        #expect(models.count == 1002)
        #expect(models.first { $0.name == "other" }?.counters.requests == 100)
    }

    @Test func upgradesBecomeTunnels() {
        var driver = FlowDriver(.capture)
        driver.client("GET /ws HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n")
        driver.connected()
        driver.upstream("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\nhello")
        #expect(driver.takeClient().hasSuffix("\r\n\r\nhello"))
        #expect(driver.flow.state == .opaque)
        _ = driver.takeUpstream()
        driver.client("frame")
        #expect(driver.takeUpstream() == "frame")
    }

    @Test func aHalfCloseGoesOn() {
        var driver = FlowDriver(.capture)
        driver.client("GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        driver.connected()
        driver.ended(.client)
        #expect(driver.takeActions().last == .shutdownWrite(.upstream))
        driver.upstream(Text.answer)
        #expect(driver.takeClient() == Text.answer)
        #expect(driver.takeActions().last == .close(.client))
    }

    @Test(arguments: [
        "HTTP/1.1 200 OK\nContent-Length: 2\n\nok", "<html>HTTP/0.9</html>\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 2\r\n\r\nok",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\nzz\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n...",
    ])
    func oddAnswersGoOnUnchanged(answer: String) {
        for step in [1, 7, answer.utf8.count] {
            var driver = FlowDriver(.capture)
            driver.client("GET / HTTP/1.1\r\nHost: x\r\n\r\n")
            driver.connected()
            let bytes = Array(answer.utf8)
            for start in stride(from: 0, to: bytes.count, by: step) {
                driver.give(.upstream, Array(bytes[start..<min(bytes.count, start + step)]))
            }
            #expect(driver.takeClient() == answer, "in pieces of \(step)")
            driver.ended(.upstream)
            #expect(driver.takeActions().last == .shutdownWrite(.client))
        }
    }

    @Test(arguments: [true, false]) func noSecondAnswerFollowsAHead(isMalformed: Bool) {
        var driver = FlowDriver(.capture)
        driver.client(
            "POST /upload HTTP/1.1\r\nHost: x\r\nContent-Type: image/png\r\nTransfer-Encoding: chunked\r\n\r\n")
        driver.connected()
        let head = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n"
        driver.upstream(head)
        driver.client("5\r\nabc")
        if isMalformed { driver.client("dexx") } else { driver.timeout() }
        #expect(driver.takeClient() == head && driver.takeActions().last == .abort(.client))
    }

    @Test func theServersEndIsTheCallersEnd() {
        var driver = FlowDriver(.capture)
        driver.client("GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        driver.connected()
        driver.failed(.upstream)
        #expect(driver.takeClient().isEmpty)
        #expect(driver.takeActions().last == .abort(.client))
    }
}
