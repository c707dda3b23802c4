import Admission
import Catalog
import Control
import Flow
import Routing
import Telemetry
import Testing

/// Streams whose callers did not ask for their usage are asked for it, in a body that is otherwise the caller's.
@Suite struct UsageAskTests {
    private static func sent(_ request: String, to driver: consuming FlowDriver) throws -> (head: String, body: String) {
        var driver = driver
        driver.client(request)
        driver.connected()
        return try driver.takeRequest()
    }

    @Test(
        arguments: [
            (#"{"model":"m","stream":true}"#, #"{"model":"m","stream":true,"stream_options":{"include_usage":true}}"#),
            (
                #"{ "stream" : true , "model" : "m" } "#,
                #"{ "stream" : true , "model" : "m" ,"stream_options":{"include_usage":true}} "#
            ),
            (
                #"{"stream_options":null,"model":"m","stream":true}"#,
                #"{"stream_options":{"include_usage":true},"model":"m","stream":true}"#
            ),
            (
                #"{"model":"m","stream":true,"stream_options":{"include_usage":false}}"#,
                #"{"model":"m","stream":true,"stream_options":{"include_usage":true}}"#
            ),
            (
                #"{"model":"m","stream":true,"stream_options":{"x":1}}"#,
                #"{"model":"m","stream":true,"stream_options":{"include_usage":true,"x":1}}"#
            ),
            (#"{"model":"m","stream":true,"stream_options":{"include_usage":true}}"#, nil), (#"{"model":"m"}"#, nil),
            (#"{"model":"m","stream":false}"#, nil), (#"{"model":"m","stream":null}"#, nil),
            (#"{"model":"m","stream_options":{"include_usage":false}}"#, nil),
        ] as [(String, String?)]) func theBodyAndItsLength(body: String, asked: String?) throws
    {
        for engine in [Engine.openai, .ollama] {
            let memory = QoSMemory()
            let plain = try Self.sent(Text.chat(body), to: FlowDriver(usage: memory, engine: engine))
            #expect(plain.body == asked ?? body)
            let chunked = try Self.sent(Text.chunked(body.map { String($0) }), to: FlowDriver(usage: memory, engine: engine))
            #expect(chunked.body == asked ?? body && !chunked.head.contains("Content-Length"))
            let renamed = try Self.sent(Text.chat(body), to: FlowDriver(usage: memory, engine: engine, upstreamModel: "a\"b"))
            let name = (asked ?? body).replacing(#""m""#, with: #""a\"b""#)
            #expect(renamed.body == name)
            let both = try Self.sent(
                Text.chunked(body.map { String($0) }), to: FlowDriver(usage: memory, engine: engine, upstreamModel: "a\"b"))
            #expect(both.body == name)
        }
    }

    @Test func onlyWhereItIsWanted() throws {
        let memory = QoSMemory()
        let body = #"{"model":"m","stream":true}"#
        let drivers = [
            FlowDriver(usage: QoSMemory(), qos: QoS()), FlowDriver(usage: memory, engine: .raw),
            FlowDriver(usage: memory, asks: false),
        ]
        for driver in drivers { #expect(try Self.sent(Text.chat(body), to: driver).body == body) }
        for path in ["/v1/responses", "/v1/messages", "/v1/embeddings", "/v1/chat/completionsx", "/v1/completions/x"] {
            #expect(try Self.sent(Text.post(body, path: path), to: FlowDriver(usage: memory)).body == body)
        }
        for path in ["/v1/completions", "/v1/chat/completions?x=1"] {
            #expect(try Self.sent(Text.post(body, path: path), to: FlowDriver(usage: memory)).body != body)
        }
    }

    @Test func aRequestSentAgainAsksAgain() throws {
        let memory = QoSMemory()
        var driver = FlowDriver(usage: memory)
        driver.client(Text.chat(#"{"model":"m","stream":true}"#))
        driver.connected(reused: true)
        let first = try driver.takeRequest()
        driver.ended(.upstream)
        driver.connected()
        #expect(try driver.takeRequest() == first && first.body.hasSuffix(Text.member + "}"))
    }

    /// Bodies that go on before they are whole: room is left for the member, and is filled with it or with nothing.
    @Test(arguments: [
        (#""stream":true"#, "", true), ("", #","stream":true"#, true),
        (#""stream":true"#, #","stream_options":{"include_usage":true}"#, false),
        (#""stream":true"#, #","stream_options":null"#, false), ("", "", false), ("", #","stream":false"#, false),
        (#""stream":true"#, #","stream":false"#, false), (#""stream":true"#, #","nested":{"stream_options":1,"x":"}"}"#, true),
    ]) func largeBodies(early: String, late: String, asks: Bool) throws {
        for (upstream, tail) in [(nil, ""), ("another name", ""), (nil, " \n "), (nil, String(repeating: " ", count: 70_000))]
            as [(String?, String)]
        {
            for size in [70_000, 1_300_000] {
                let text = String(repeating: "word ", count: size / 5)
                let body = "{\"model\":\"m\"\(early.isEmpty ? "" : ",")\(early),\"messages\":\"\(text)\"\(late)}"
                let renamed = upstream.map { body.replacing("\"m\"", with: "\"\($0)\"") } ?? body
                // Where the text is all there before anything is sent, it may be changed anywhere.
                let whole = renamed.replacing(#""stream_options":null"#, with: #""stream_options":{"include_usage":true}"#) + tail
                for step in [65_536, 66_001] {
                    let driver = FlowDriver(usage: QoSMemory(), upstreamModel: upstream)
                    let plain = try Self.piecewise(Text.chat(body + tail), step, driver)
                    let filler = String(repeating: " ", count: Text.member.utf8.count)
                    let expected = renamed.dropLast() + (asks ? Text.member : filler) + "}" + tail
                    #expect(plain == expected || plain == whole && !asks, "in pieces of \(step)")
                }
                let pieces = [
                    String(body.prefix(40_000)), String(body.dropFirst(40_000).dropLast(3)), String(body.suffix(3)) + tail,
                ]
                let driver = FlowDriver(usage: QoSMemory(), upstreamModel: upstream)
                let chunked = try Self.piecewise(Text.chunked(pieces), 65_536, driver)
                #expect(chunked == renamed.dropLast() + (asks ? Text.member : "") + "}" + tail || chunked == whole && !asks)
            }
        }
    }

    private static func piecewise(_ request: String, _ step: Int, _ driver: consuming FlowDriver) throws -> String {
        var driver = driver
        let bytes = Array(request.utf8)
        var isConnected = false
        for start in stride(from: 0, to: bytes.count, by: step) {
            driver.give(.client, Array(bytes[start..<min(start + step, bytes.count)]))
            if !isConnected, driver.flow.state == .connecting {
                isConnected = true
                driver.connected()
            }
        }
        #expect(driver.flow.state == .waiting)
        return try driver.takeRequest().body
    }

    /// What was announced comes, even if the body turns out to be none.
    @Test func aBodyThatIsNoObjectAfterAll() throws {
        let memory = QoSMemory()
        let body = #"{"model":"m","stream":true,"x":""# + String(repeating: "x", count: 200_000) + "\"]"
        let sent = try Self.piecewise(Text.chat(body), 65_536, FlowDriver(usage: memory))
        #expect(sent == body + String(repeating: " ", count: Text.member.utf8.count))
    }
}

/// Values that the API does not allow for are refused with the key's name.
@Suite struct UsageKeyTests {
    @Test(arguments: [
        (#""max_tokens":0"#, "max_tokens", "integer_below_min_value"), (#""stream":"yes""#, "stream", "invalid_type"),
        (#""stream_options":{"include_usage":5}"#, "stream_options.include_usage", "invalid_type"),
        (#""n":129"#, "n", "integer_above_max_value"), (#""user":7"#, "user", "invalid_type"),
        (#""max_completion_tokens":1e2"#, "max_completion_tokens", "invalid_type"),
    ]) func refused(member: String, param: String, code: String) {
        let memory = QoSMemory()
        for body in ["{\"model\":\"m\",\(member)}", "{\(member),\"model\":\"m\"}"] {
            var driver = FlowDriver(usage: memory)
            driver.client(Text.chat(body))
            let answer = driver.takeClient()
            #expect(answer.hasPrefix("HTTP/1.1 400 "))
            #expect(answer.contains("\"param\":\"\(param)\"") && answer.contains("\"code\":\"\(code)\""))
            #expect(driver.counters?.counters.active == 0 && driver.flow.state == .idle)
        }
        #expect(memory.counts(FlowDriver.slot, .tokens).admitted == 0)
    }

    @Test func whatIsNoBusinessOfOursGoesOn() {
        let memory = QoSMemory()
        var driver = FlowDriver(usage: memory, strict: false)
        driver.client(Text.chat(#"{"model":"elsewhere","max_tokens":0}"#))
        #expect(driver.flow.state == .connecting, "relayed")
        driver = FlowDriver(usage: memory, engine: .ollama)
        driver.client(Text.post(#"{"model":"m","user":5,"n":0}"#, path: "/api/chat"))
        #expect(driver.flow.state == .connecting)
        driver = FlowDriver(usage: memory, engine: .ollama)
        driver.client(Text.post(#"{"model":"m","stream":5}"#, path: "/api/chat"))
        #expect(driver.takeClient().hasPrefix("HTTP/1.1 400 "))
        driver = FlowDriver(usage: memory, engine: .raw)
        driver.client(Text.post(#"{"model":"m","n":500}"#, path: "/predict"))
        #expect(driver.flow.state == .connecting)
    }

    @Test func aFaultMayComeLate() {
        let memory = QoSMemory()
        var driver = FlowDriver(usage: memory)
        let text = String(repeating: "x", count: 100_000)
        driver.client(Text.chatHead + "Content-Length: 300000\r\n\r\n" + #"{"model":"m","x":""# + text)
        driver.connected()
        driver.client(#"","max_tokens":-4,"y":"#)
        #expect(driver.takeClient().contains("\"param\":\"max_tokens\""))
        #expect(driver.counters?.counters.active == 0 && memory.counts(FlowDriver.slot, .tokens).admitted == 0)
    }

    /// Each of several answers may be as long as is stated.
    @Test func severalAnswersAreReserved() {
        let memory = QoSMemory()
        var driver = FlowDriver(usage: memory)
        let body = #"{"model":"m","max_tokens":100,"n":5}"#
        driver.client(Text.chat(body))
        #expect(memory.counts(FlowDriver.slot, .tokens).admitted == UInt64(body.utf8.count / 4 + 500))
    }
}
