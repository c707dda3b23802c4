import Catalog
import Control
import Flow
import Routing
import Testing

/// The model's name on the way to an endpoint that calls it otherwise, and on the way back.
@Suite struct RenameTests {
    @Test(arguments: ["chat", "big"]) func anAnswerThatEndsWithItsConnectionMayBeEmpty(name: String) {
        var driver = FlowDriver(FlowDriver.pool())
        driver.client(Text.ask(name))
        driver.connected()
        driver.upstream("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close\r\n\r\n")
        #expect(driver.takeClient().isEmpty)
        driver.ended(.upstream)
        let answer = driver.takeClient()
        #expect(answer.hasPrefix("HTTP/1.1 200 OK\r\n") && answer.hasSuffix("Connection: close\r\n\r\n"))
        #expect(driver.underWay == 0 && driver.flow.state == .closing)
    }

    @Test func anAnswerCutOffWithinTheNameGoesOnAsItIs() {
        var driver = FlowDriver(FlowDriver.pool())
        driver.client(Text.ask("chat"))
        driver.connected()
        driver.upstream("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n" + #"{"model":"bi"#)
        driver.ended(.upstream)
        #expect(driver.takeClient().hasSuffix("\r\n\r\n" + #"{"model":"bi"#))
    }

    static let catalog = FlowDriver.single(RetryPolicy(attempts: 1)) { $0.upstreamModel = "meta/\"70b\"" }

    static func waiting(_ request: String = Text.post()) -> FlowDriver {
        var driver = FlowDriver(catalog)
        driver.client(request)
        driver.connected()
        return driver
    }

    @Test func theBodyAndItsLengthAreChangedAndNothingElse() {
        var driver = Self.waiting(Text.post(#"{ "a":"model", "model" : "m" ,"b":{"model":"m"}}"#, fields: "X-Keep: 1\r\n"))
        let sent = driver.takeUpstream()
        let body = #"{ "a":"model", "model" : "meta/\"70b\"" ,"b":{"model":"m"}}"#
        #expect(sent.hasSuffix("\r\n\r\n" + body) && sent.contains("X-Keep: 1\r\n"))
        #expect(sent.contains("Content-Length: \(body.utf8.count)\r\n") && sent.components(of: "Content-Length") == 1)
    }

    @Test func chunkedRequestsAreFramedAnew() {
        let body = #"{"text":"x","model":"m","more":"y"}"#
        let head = "POST /v1/x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
        let bytes = body.utf8.map { String(UnicodeScalar($0)) }
        var driver = Self.waiting(head + bytes.map { Text.chunk($0) }.joined() + "0\r\nX-T: 1\r\n\r\n")
        let sent = driver.takeUpstream()
        #expect(sent.contains("Transfer-Encoding: chunked\r\n"))
        let chunks = sent.components(separatedBy: "\r\n\r\n", 1)
        #expect(Self.unchunked(chunks) == #"{"text":"x","model":"meta/\"70b\"","more":"y"}"#)
    }

    @Test func aLargeChunkedRequestGoesOnAsItComes() {
        var driver = FlowDriver(Self.catalog)
        let text = String(repeating: "x", count: 100_000)
        driver.client("POST /v1/x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n")
        driver.client(Text.chunk(#"{"model":"m","text":""#) + Text.chunk(text))
        driver.connected()
        driver.client(Text.chunk(text) + "2\r\n\"")
        driver.client("}\r\n0\r\n\r\n")
        let sent = driver.takeUpstream()
        let body = Self.unchunked(sent.components(separatedBy: "\r\n\r\n", 1))
        #expect(body == #"{"model":"meta/\"70b\"","text":"\#(text)\#(text)"}"#)
        driver.upstream(Text.answer)
        #expect(driver.flow.state == .idle)
    }

    @Test func aJSONAnswerGetsTheCallersName() {
        var driver = Self.waiting()
        let body = #"{"id":1,"model":"meta/70b","choices":[{"model":"meta/70b"}]}"#
        for byte in Text.json(body, fields: "X-Keep: 1\r\n").utf8 { driver.give(.upstream, [byte]) }
        let answer = driver.takeClient()
        let wanted = #"{"id":1,"model":"m","choices":[{"model":"meta/70b"}]}"#
        #expect(answer.hasSuffix("Content-Length: \(wanted.utf8.count)\r\n\r\n" + wanted))
        #expect(answer.components(of: "Content-Length") == 1 && answer.contains("X-Keep: 1\r\n"))
        #expect(driver.flow.state == .idle && driver.takeActions().last == .releaseUpstream(reusable: true))
    }

    @Test(arguments: [1, 2, 7, 10_000]) func eachEventGetsTheCallersName(piece: Int) {
        var driver = Self.waiting()
        let events = (0..<5).map { "data: {\"id\":\($0),\"model\":\"meta/70b\"}\r\n\r\n" }.joined() + "data: [DONE]\n\n"
        let stream = Array((Text.streamHead + Text.chunk(events) + "0\r\n\r\n").utf8)
        for start in stride(from: 0, to: stream.count, by: piece) {
            driver.give(.upstream, Array(stream[start..<min(start + piece, stream.count)]))
        }
        let answer = driver.takeClient()
        let body = Self.unchunked(answer.components(separatedBy: "\r\n\r\n", 1))
        #expect(body == events.replacing("meta/70b", with: "m"))
        #expect(driver.flow.state == .idle && driver.underWay == 0)
    }

    @Test func eventsAreNotHeldBack() {
        var driver = Self.waiting()
        driver.upstream(Text.streamHead)
        driver.upstream(Text.chunk("data: {\"model\":\"meta/70b\",\"x\":\"a"))
        #expect(driver.takeClient().hasSuffix("data: {\"model\":\"m\",\"x\":\"a\r\n"))
        driver.upstream(Text.chunk("b\"}\n\n"))
        #expect(driver.takeClient() == "5\r\nb\"}\n\n\r\n")
        _ = driver.takeActions()
        driver.failed(.upstream)
        let last = driver.takeClient()
        #expect(last.contains("data: {\"error\"") && last.hasSuffix("\r\n") && driver.takeActions().last == .abort(.client))
    }

    @Test func aLongAnswerTurnsChunked() {
        var driver = Self.waiting()
        let text = String(repeating: "x", count: 300_000)
        driver.upstream(Text.json(#"{"model":"meta/70b","text":"\#(text)"}"#))
        let answer = driver.takeClient()
        #expect(answer.contains("Transfer-Encoding: chunked\r\n") && answer.components(of: "Content-Length") == 0)
        #expect(Self.unchunked(answer.components(separatedBy: "\r\n\r\n", 1)) == #"{"model":"m","text":"\#(text)"}"#)
        #expect(driver.flow.state == .idle)
    }

    @Test func anOldCallerGetsALongAnswerUntilTheEnd() {
        var driver = FlowDriver(Self.catalog)
        driver.client("POST /v1/x HTTP/1.0\r\nContent-Length: \(Text.body.utf8.count)\r\n\r\n" + Text.body)
        driver.connected()
        let text = String(repeating: "x", count: 300_000)
        driver.upstream(Text.json(#"{"model":"meta/70b","text":"\#(text)"}"#))
        let answer = driver.takeClient()
        #expect(answer.contains("Connection: close\r\n") && !answer.contains("chunked") && !answer.contains("Content-Length"))
        #expect(answer.hasSuffix(#"{"model":"m","text":"\#(text)"}"#) && driver.takeActions().last == .close(.client))
    }

    @Test(arguments: ["Content-Encoding: gzip\r\n", "Content-Type: text/plain\r\n"]) func otherBodiesAreLeftAlone(field: String) {
        var driver = Self.waiting()
        let body = #"{"model":"meta/70b"}"#
        driver.upstream("HTTP/1.1 200 OK\r\n\(field)Content-Length: \(body.utf8.count)\r\n\r\n\(body)")
        #expect(driver.takeClient().hasSuffix(body))
    }

    @Test func anAnswerThatBreaksWhileItIsHeldIsTriedAgain() {
        var catalog = Self.catalog
        catalog.models[0].endpoints.append(FlowDriver.endpoint(FlowDriver.second))
        catalog.models[0].routing = FlowDriver.policy()
        var driver = FlowDriver(catalog)
        driver.client(Text.post())
        driver.connected()
        driver.upstream("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{\"model\":\"x")
        #expect(driver.takeClient().isEmpty)
        _ = driver.takeActions()
        driver.failed(.upstream)
        #expect(driver.connect() == FlowDriver.second)
        driver.connected()
        driver.upstream(Text.json("{}"))
        #expect(driver.takeClient().hasSuffix("\r\n\r\n{}") && driver.underWay == 0)
    }

    static func unchunked(_ text: String) -> String {
        var rest = text[...]
        var body = ""
        while let line = rest.firstIndex(of: "\r\n"), let count = Int(rest[..<line], radix: 16), count > 0 {
            let start = rest.index(after: line)
            let end = rest.utf8.index(start, offsetBy: count)
            body += rest[start..<end]
            rest = rest[end...].dropFirst()
        }
        return body
    }
}

extension String {
    /// What stands behind the first `separator`.
    func components(separatedBy separator: String, _ index: Int) -> String {
        guard let range = firstRange(of: separator) else { return "" }
        return String(self[range.upperBound...])
    }
}
