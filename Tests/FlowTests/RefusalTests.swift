import Catalog
import Control
import Flow
import Testing

/// What the broker refuses, and how.
@Suite struct RefusalTests {
    static func answer(_ request: String, strict: Bool = true) -> String {
        var driver = FlowDriver()
        driver.client(request)
        return driver.takeClient()
    }

    @Test(arguments: [
        (Text.post(#"{"model":"other"}"#), "404 Not Found", "model_not_found"),
        (Text.post(#"{"messages":[]}"#), "400 Bad Request", "\"param\":\"model\""),
        (Text.post(#"{"model":"m","#), "400 Bad Request", "ends in the middle"),
        (Text.post(#"{"model":"m","model":"m"}"#), "400 Bad Request", "more than once"),
        (Text.post("x", path: "/nowhere"), "400 Bad Request", "not valid JSON"),
        ("GET /v1/chat/completions HTTP/1.1\r\nHost: a\r\n\r\n", "405 Method Not Allowed", "Allow: POST"),
        ("DELETE /v1/models HTTP/1.1\r\nHost: a\r\n\r\n", "405 Method Not Allowed", "Allow: GET"),
        ("GET /v1/models/none HTTP/1.1\r\nHost: a\r\n\r\n", "404 Not Found", "model_not_found"),
        ("GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n", "404 Not Found", "unknown_url"),
        ("POST /v1/x HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999\r\n\r\n", "413 Content Too Large", "request_too_large"),
        ("GET / HTTP/1.1\r\n\r\n", "400 Bad Request", "Host"),
        ("GET / HTTP/3.0\r\nHost: a\r\n\r\n", "505 HTTP Version Not Supported", "invalid_request_error"),
        ("GET / HTTP/1.1\nHost: a\n\n", "400 Bad Request", "bare LF"),
    ])
    func refuses(request: String, status: String, detail: String) {
        let answer = Self.answer(request)
        #expect(answer.hasPrefix("HTTP/1.1 \(status)\r\n"), "\(answer)")
        #expect(answer.contains(detail), "\(answer)")
        #expect(answer.contains("\r\nContent-Type: application/json\r\n"))
    }

    @Test func aRefusalWithTheRequestReadKeepsTheConnection() {
        var driver = FlowDriver()
        driver.client(Text.post(#"{"model":"other"}"#))
        #expect(driver.flow.state == .idle)
        #expect(!driver.takeClient().contains("Connection: close"))
        driver.client("BROKEN\r\n\r\n")
        #expect(driver.takeClient().contains("Connection: close"))
        #expect(driver.takeActions().last == .close(.client))
    }

    @Test func kserveErrorsHaveTheirOwnShape() {
        let answer = Self.answer("GET /v2/models/x HTTP/1.1\r\nHost: a\r\n\r\n")
        #expect(answer.hasPrefix("HTTP/1.1 404 ") && answer.contains("{\"error\":\"The model 'x' does not exist"))
    }

    @Test func listsTheModels() {
        let list = Self.answer("GET /v1/models HTTP/1.1\r\nHost: a\r\n\r\n")
        #expect(list.contains(#"{"object":"list","data":[{"id":"m","object":"model","created":0,"owned_by":"modelbroker"}]}"#))
        #expect(Self.answer("GET /v1/models/%6d HTTP/1.1\r\nHost: a\r\n\r\n").contains(#"{"id":"m","object":"model""#))
    }

    @Test func slowHeadsAndBodiesAreGivenUp() {
        var head = FlowDriver()
        head.client("POST / HT")
        head.timeout()
        #expect(head.takeClient().hasPrefix("HTTP/1.1 408 "))
        var body = FlowDriver()
        body.client("POST /v1/x HTTP/1.1\r\nHost: a\r\nContent-Length: 20\r\n\r\n{")
        body.timeout()
        #expect(body.takeClient().hasPrefix("HTTP/1.1 408 "))
    }

    @Test func expectationsAreMet() {
        var driver = FlowDriver()
        driver.client("POST /v1/x HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 13\r\n\r\n")
        #expect(driver.takeClient() == "HTTP/1.1 100 Continue\r\n\r\n")
        driver.client(#"{"model":"m"}"#)
        driver.connected()
        #expect(!driver.takeUpstream().contains("Expect"))
    }

    @Test func namesInErrorsAreEscaped() {
        let answer = Self.answer(Text.post(#"{"model":"a\"\r\nb"}"#))
        #expect(answer.contains(#"The model 'a\"\u000d\u000ab' does not exist"#))
    }
}
