import Catalog
import Control
import Flow
import Routing
import Telemetry
import Testing

/// Requests to endpoints of the catalogue, and their answers.
@Suite struct ExchangeTests {
    @Test func passesARequestOnWithItsHeadEdited() {
        var driver = FlowDriver()
        driver.client(
            Text.post(
                fields:
                    "Connection: keep-alive, X-Hop\r\nX-Hop: 1\r\nX-Service-Group: gold\r\nx-modelbroker-client: me\r\nX-Keep: 1\r\n"
            ))
        #expect(driver.takeActions() == [.pauseClient, .connect(FlowDriver.engine, .pooled, tls: 0)])
        #expect(driver.takeUpstream().isEmpty)
        driver.connected()
        let sent = driver.takeUpstream()
        #expect(
            sent.hasPrefix(
                "POST /v1/chat/completions HTTP/1.1\r\nHost: e:9101\r\nContent-Type: application/json\r\nX-Keep: 1\r\nContent-Length: 27\r\nx-request-id: req_"
            ))
        #expect(sent.hasSuffix("\r\n\r\n" + Text.body))
        for gone in ["X-Hop", "gold", "modelbroker-client", "Connection", "Host: a"] { #expect(!sent.contains(gone)) }
    }

    @Test func keepsTheCallersRequestID() {
        var driver = FlowDriver()
        driver.client(Text.post(fields: "X-Request-ID: mine\r\n"))
        driver.connected()
        #expect(driver.takeUpstream().contains("X-Request-ID: mine\r\n"))
        driver.upstream(Text.answer)
        #expect(driver.takeClient().contains("x-request-id: mine\r\n"))
    }

    @Test func answersAndKeepsBothConnections() {
        var driver = FlowDriver()
        driver.client(Text.post())
        driver.connected()
        _ = driver.takeActions()
        driver.upstream("HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: keep-alive\r\nKeep-Alive: timeout=5\r\n\r\nok")
        let answer = driver.takeClient()
        #expect(answer.hasPrefix("HTTP/1.1 200 OK\r\nContent-Length: 2\r\nx-request-id: req_"))
        #expect(answer.hasSuffix("\r\n\r\nok"))
        #expect(!answer.contains("Connection") && !answer.contains("Keep-Alive"))
        #expect(driver.takeActions() == [.releaseUpstream(reusable: true)])
        #expect(driver.flow.state == .idle)
        driver.client(Text.post())
        #expect(driver.takeActions() == [.pauseClient, .connect(FlowDriver.engine, .pooled, tls: 0)])
    }

    @Test func holdsTheHeadForTheFirstByteOfTheBody() {
        var driver = FlowDriver()
        driver.client(Text.post())
        driver.connected()
        driver.upstream("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Type: text/event-stream\r\n\r\n")
        #expect(driver.takeClient().isEmpty)
        driver.upstream("5\r\ndata:\r\n")
        let first = driver.takeClient()
        #expect(first.hasPrefix("HTTP/1.1 200 OK\r\n") && first.hasSuffix("\r\n\r\n5\r\ndata:\r\n"))
        driver.upstream("0\r\n")
        driver.upstream("\r\n")
        #expect(driver.takeClient() == "0\r\n\r\n")
        #expect(driver.flow.state == .idle)
    }

    @Test func readsAnAnswerByteByByte() {
        var driver = FlowDriver()
        driver.client(Text.post())
        driver.connected()
        for byte in "HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok".utf8 {
            driver.give(.upstream, [byte])
        }
        let answer = driver.takeClient()
        #expect(answer.hasPrefix("HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 200 OK\r\n"))
        #expect(answer.hasSuffix("ok"))
        #expect(driver.flow.state == .idle)
    }

    @Test(arguments: ["HEAD", "GET"]) func answersWithoutABody(method: String) {
        var driver = FlowDriver(.capture)
        driver.client("\(method) /x HTTP/1.1\r\nHost: a\r\n\r\n")
        driver.connected()
        driver.upstream(
            method == "HEAD"
                ? "HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n" : "HTTP/1.1 304 Not Modified\r\nContent-Length: 99\r\n\r\n")
        #expect(driver.takeClient().hasSuffix("\r\n\r\n"))
        #expect(driver.flow.state == .idle)
    }

    @Test func answersUntilTheConnectionCloses() {
        var driver = FlowDriver()
        driver.client(Text.post())
        driver.connected()
        driver.upstream("HTTP/1.1 200 OK\r\n\r\nabc")
        #expect(driver.takeClient().contains("Connection: close\r\n"))
        _ = driver.takeActions()
        driver.ended(.upstream)
        #expect(driver.takeActions() == [.releaseUpstream(reusable: false), .close(.client)])
    }

    @Test func sendsAgainWhenAKeptConnectionWasClosed() {
        var driver = FlowDriver()
        driver.client(Text.post())
        driver.connected(reused: true)
        let first = driver.takeUpstream()
        _ = driver.takeActions()
        driver.ended(.upstream)
        #expect(
            driver.takeActions() == [
                .releaseUpstream(reusable: false), .pauseClient, .connect(FlowDriver.engine, .fresh, tls: 0),
            ])
        driver.connected()
        #expect(driver.takeUpstream() == first)
        driver.ended(.upstream)
        #expect(driver.takeClient().hasPrefix("HTTP/1.1 502 "))
    }

    @Test func triesTheOtherTargetsAndThenGivesUp() {
        var driver = FlowDriver(models: ["m": [FlowDriver.engine, FlowDriver.second]])
        driver.client(Text.post())
        _ = driver.takeActions()
        driver.connectFailed()
        #expect(driver.takeActions().last == .connect(FlowDriver.second, .pooled, tls: 0))
        driver.connectFailed()
        let answer = driver.takeClient()
        #expect(answer.hasPrefix("HTTP/1.1 503 ") && answer.contains("Retry-After: 1\r\n"))
        #expect(driver.flow.state == .idle)
        #expect(driver.events.filter { $0.kind == .endpointFailed }.count == 2)
    }

    @Test func aDeadEndpointDoesNotSilenceTheConnection() {
        var driver = FlowDriver()
        for _ in 0..<3 {
            driver.client(Text.post())
            #expect(driver.takeActions().first == .pauseClient)
            driver.connectFailed()
            #expect(driver.takeClient().hasPrefix("HTTP/1.1 503 "))
            #expect(driver.takeActions().last == .resumeClient)
        }
    }

    @Test func takesTurns() {
        var driver = FlowDriver(models: ["m": [FlowDriver.engine, FlowDriver.second]])
        var seen: [SocketAddress] = []
        for _ in 0..<4 {
            driver.client(Text.post())
            if case .connect(let address, _, _) = driver.takeActions().last { seen.append(address) }
            driver.connected()
            driver.upstream(Text.answer)
            _ = driver.takeActions()
        }
        #expect(seen == [FlowDriver.engine, FlowDriver.second, FlowDriver.engine, FlowDriver.second])
    }

    @Test func cancelsWhenTheClientGoes() {
        var driver = FlowDriver()
        driver.client(Text.post())
        driver.connected()
        _ = driver.takeActions()
        driver.ended(.client)
        #expect(driver.takeActions() == [.releaseUpstream(reusable: false), .close(.client)])
        #expect(driver.context.ledger.statistics().models.first?.counters.cancelled == 1)
        #expect(driver.context.ledger.statistics().models.first?.counters.active == 0)
    }

    @Test func readsAheadWithoutMixing() {
        var driver = FlowDriver()
        driver.client(Text.post() + Text.post(fields: "X-Second: 1\r\n") + Text.post(fields: "X-Third: 1\r\n"))
        for marker in ["Content-Type", "X-Second", "X-Third"] {
            driver.connected()
            let sent = driver.takeUpstream()
            #expect(sent.contains(marker) && sent.hasSuffix(Text.body))
            driver.upstream(Text.answer)
        }
        #expect(driver.flow.state == .idle && driver.flow.requests == 3)
    }

    @Test func thousandsOfRequestsAheadDoNotNest() {
        var driver = FlowDriver()
        driver.client(String(repeating: "GET /v1/models HTTP/1.1\r\nHost: a\r\n\r\n", count: 5000))
        #expect(driver.flow.requests == 5000 && driver.flow.state == .idle)
    }

    @Test func streamsALargeBodyOnceTheModelIsKnown() {
        var driver = FlowDriver()
        let text = String(repeating: "x", count: 3 << 20)
        let body = #"{"model":"m","text":""# + text + #""}"#
        let request = Array(Text.post(body).utf8)
        driver.give(.client, Array(request[..<100_000]))
        #expect(driver.takeActions().last == .connect(FlowDriver.engine, .fresh, tls: 0))
        driver.connected()
        var sent = driver.takeUpstream()
        var position = 100_000
        while position < request.count {
            let end = min(request.count, position + 65536)
            driver.give(.client, Array(request[position..<end]))
            sent += driver.takeUpstream()
            position = end
        }
        #expect(sent.hasSuffix(body))
        #expect(driver.flow.inbox.count < 200_000)
        driver.upstream(Text.answer)
        #expect(driver.flow.state == .idle)
    }

    @Test func aBrokenStreamEndsWithAnErrorAndAReset() {
        var driver = FlowDriver()
        driver.client(Text.post())
        driver.connected()
        driver.upstream(
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Type: text/event-stream\r\n\r\n9\r\ndata: 1\n\n\r\n")
        _ = driver.takeClient()
        driver.failed(.upstream)
        let last = driver.takeClient()
        #expect(
            last.contains("data: {\"error\":{") && last.hasSuffix("\n\n\r\n") && !last.contains("[DONE]")
                && !last.contains("0\r\n\r\n"))
        #expect(driver.takeActions().last == .abort(.client))
    }

    @Test func aStreamBrokenInsideAnEventIsOnlyReset() {
        var driver = FlowDriver()
        driver.client(Text.post())
        driver.connected()
        driver.upstream(
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Type: text/event-stream\r\n\r\n8\r\ndata: 1\n\r\n")
        _ = driver.takeClient()
        driver.ended(.upstream)
        #expect(driver.takeClient().isEmpty)
        #expect(driver.takeActions().last == .abort(.client))
    }

    @Test func aNewCatalogueDoesNotMoveARequestUnderWay() {
        var driver = FlowDriver(models: ["a": [FlowDriver.second], "m": [FlowDriver.engine]])
        driver.client(Text.post())
        driver.context.adopt(.init([]), Node())
        driver.connected(reused: true)
        #expect(driver.takeUpstream().contains("Host: e:9101\r\n"))
        _ = driver.takeActions()
        driver.ended(.upstream)
        #expect(driver.takeActions().last == .connect(FlowDriver.engine, .fresh, tls: 0))
        driver.connectFailed()
        #expect(driver.takeClient().hasPrefix("HTTP/1.1 503 "))
    }
}
