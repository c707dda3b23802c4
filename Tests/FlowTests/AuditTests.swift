import Catalog
import Control
import Identity
import Routing
import Telemetry
import Testing

@testable import Flow

/// One line for every request, whatever becomes of it.
@Suite struct AuditTests {
    private static func audited(_ level: Audit.Level, limit: Int = 1000) -> (inout Catalog) -> Void {
        { $0.audit = Audit(level: level, sink: .standardOutput, bodyLimit: limit) }
    }

    private func driver(
        _ level: Audit.Level = .metadata, _ entrance: FlowRecord.Entrance = .gateway, workload: String = "shop",
        limit: Int = 1000
    ) -> FlowDriver {
        var driver = FlowDriver(gate: Gate.catalog(Self.audited(level, limit: limit)), entrance, workload: workload)
        driver.context.audit.isOpen = true
        return driver
    }

    @Test func allThatIsKnownOfAnAnswer() {
        var driver = driver()
        driver.context.now += 5_000_000
        driver.client(Text.post(fields: "x-request-id: my-id\r\n", path: "/v1/chat/completions?key=secret"))
        driver.connected()
        driver.context.now += 2_000_000
        let body = #"{"usage":{"prompt_tokens":7,"completion_tokens":3}}"#
        driver.upstream(Text.json(body))
        let lines = driver.audited()
        let sent = driver.takeClient().utf8.count
        #expect(
            lines == [
                #"{"time":"2026-11-21T12:00:00.123Z","id":"my-id","layer":"proxy","entrance":"gateway","client":"shop","auth":"workload","workload":"4242","pid":42,"address":"127.0.0.1:50000","operation":"chat","method":"POST","path":"/v1/chat/completions","model":"m","routed":"m","endpoint":"http://e:9101","decision":"allow","end":"answered","status":200,"input_tokens":7,"output_tokens":3,"first_byte_ms":2.000,"total_ms":2.000,"bytes_in":\#(driver.flow.bytesIn),"bytes_out":\#(sent),"attempts":1}"#
            ])
        #expect(driver.context.audit.lines == 1 && driver.context.audit.dropped == 0)
    }

    @Test func podsAreNamedByTheirCgroups() {
        var driver = driver(.metadata, .capture)
        let other = PodName(name: "other/pod", serviceAccount: "x")
        driver.context.pods = [4242: PodName(name: "shop/checkout-1", serviceAccount: "check\"out"), 7: other]
        driver.client(Text.ask("hidden"))
        let wanted = #""workload":"4242","pod":"shop/checkout-1","service_account":"check\"out","pid":42"#
        #expect(driver.audited()[0].contains(wanted))
        // Names as long as they can be, all of which has to be escaped, have their room.
        let long = String(repeating: "\u{1}", count: 400)
        driver.context.pods = [4242: PodName(name: long, serviceAccount: long)]
        driver.client(Text.ask("hidden"))
        #expect(driver.audited()[0].contains(String(repeating: #"\u0001"#, count: 400) + #"","service_account""#))
        driver.context.pods = [4242: PodName(name: "shop/a", serviceAccount: "")]
        driver.client(Text.ask("hidden"))
        #expect(driver.audited()[0].contains(#""pod":"shop/a","pid""#))
    }

    /// What is done on a connection, and the end, status and rule of each line that comes of it.
    static let ends: [(name: String, run: @Sendable (inout FlowDriver) -> Void, wanted: [String])] = [
        ("list", { $0.client("GET /v1/models HTTP/1.1\r\nHost: a\r\n\r\n") }, ["answered 200 "]),
        ("malformed", { $0.client("GET / HTTP/9.9\r\n\r\n") }, ["refused 505 invalid_request_error"]),
        (
            "half a head",
            {
                $0.client("GET / HT")
                $0.timeout()
            }, ["refused 408 invalid_request_error"]
        ),
        ("unknown model", { $0.client(Text.ask("nope")) }, ["refused 404 model_not_found"]),
        ("nobody", { $0.client("GET / HTTP/1.1\r\nHost: a\r\nAuthorization: Basic x\r\n\r\n") }, ["refused 404 unknown_url"]),
        ("expired", { $0.client(Text.post(fields: IdentityTests.bearer(Gate.expired))) }, ["refused 401 invalid_api_key"]),
        ("closed", { $0.client(Text.ask("hidden")) }, ["refused 403 model_not_allowed"]),
        (
            "no endpoint",
            {
                $0.client(Text.post())
                $0.connectFailed()
                $0.connectFailed()
            }, ["failed 503 no_endpoint_available"]
        ),
        (
            "gone before the body",
            {
                $0.client("POST /v1/chat/completions HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\n")
                $0.ended(.client)
            }, ["cancelled 0 "]
        ),
        (
            "gone before the answer",
            {
                $0.client(Text.post())
                $0.connected()
                $0.ended(.client)
                $0.timeout()
            }, ["cancelled 0 "]
        ),
        (
            "gone in the answer",
            {
                $0.client(Text.post())
                $0.connected()
                $0.upstream(Text.streamHead + Text.chunk("data: {}\n\n"))
                $0.failed(.client)
                $0.timeout()
            }, ["cancelled 200 "]
        ),
        (
            "gone while its token is checked",
            {
                $0.client(Text.post(fields: TokenTests.fields))
                $0.hungUp()
            }, ["cancelled 0 "]
        ),
        (
            "broken",
            {
                $0.client(Text.post())
                $0.connected()
                $0.upstream(Text.streamHead + Text.chunk("data: {}\n\n"))
                $0.failed(.upstream)
            }, ["broken 200 "]
        ),
        (
            "sent ahead",
            {
                $0.client(Text.post() + Text.ask("nope") + "GET /v1/models HTTP/1.1\r\nHost: a\r\n\r\n")
                $0.connected()
                $0.upstream(Text.answer)
            }, ["answered 200 ", "refused 404 model_not_found", "answered 200 "]
        ),
        (
            "a large body",
            {
                $0.client(Text.post(#"{"model":"m","prompt":""# + String(repeating: "x", count: 2_000_000) + #""}"#))
                $0.connected()
                $0.upstream(Text.answer)
            }, ["answered 200 "]
        ),
        (
            "let go of",
            {
                $0.client(Text.post())
                $0.flow.abandon(&$0.context, &$0.out)
            }, ["cancelled 0 "]
        ),
    ]

    @Test(arguments: ends.indices)
    func eachRequestHasOneLine(index: Int) {
        let (name, run, wanted) = Self.ends[index]
        var driver = driver()
        run(&driver)
        #expect(driver.audited().map(Self.summary) == wanted, "\(name)")
        driver.ended(.client)
        driver.failed(.client)
        #expect(driver.audited().isEmpty, "\(name)")
        #expect(driver.clients["shop"]?.counters.active == 0, "\(name)")
    }

    private static func summary(_ line: String) -> String {
        let (end, rule) = (text("end", line), text("rule", line))
        let status = line.split(separator: "\"status\":").dropFirst().first.map { String($0.prefix(3)) } ?? "0"
        #expect(line.contains(end == "refused" ? "\"decision\":\"deny\"" : "\"decision\":\"allow\""))
        return "\(end) \(status) \(rule)"
    }

    private static func text(_ name: String, _ line: String) -> String {
        line.split(separator: "\"\(name)\":\"").dropFirst().first.map { String($0.prefix { $0 != "\"" }) } ?? ""
    }

    @Test func whatIsRelayedHasALineToo() {
        var driver = driver(.full, .capture)
        let request = Text.post(#"{"model":"elsewhere"}"#, fields: IdentityTests.bearer(Gate.checkout))
        driver.client(request)
        driver.connected()
        driver.upstream(Text.answer)
        let lines = driver.audited()
        #expect(lines.map(Self.summary) == ["relayed 200 "] && lines[0].contains(#""auth":"workload""#))
        #expect(lines[0].contains(#""endpoint":"127.64.0.10:8000""#) && !lines[0].contains(Gate.checkout))
        #expect(lines[0].contains(#""prompt":"{\"model\":\"elsewhere\"}","answer":"ok""#))
        driver.client(request)
        driver.failed(.upstream)
        #expect(driver.audited().map(Self.summary) == ["broken 0 "])
    }

    @Test func keysAreNamedAndNeverShown() {
        for (key, id) in [(Gate.batch, "ci"), (Gate.expired, "checkout/2")] {
            for level in Audit.Level.allCases {
                var driver = driver(level, workload: "")
                driver.client(Text.post(fields: IdentityTests.bearer(key)))
                if driver.connect() != nil {
                    driver.connected()
                    driver.upstream(Text.answer)
                }
                let line = driver.audited().first ?? ""
                #expect(line.contains("\"key\":\"\(id)\"") && !line.contains(key))
            }
        }
    }

    @Test func promptsAreKeptOnlyWhereThatIsAskedFor() {
        let secret = "sk-0123456789abcdef01"
        let body = #"{"model":"m","prompt":"tell \#(secret) and me@example.org"}"#
        for (level, isKept) in [(Audit.Level.metadata, false), (.summary, true), (.full, true)] {
            var driver = driver(level)
            driver.client(Text.post(body))
            driver.connected()
            driver.upstream(Text.json(#"{"text":"your key is \#(secret)"}"#))
            let line = driver.audited().first ?? ""
            #expect(
                line.contains("tell [redacted] and [redacted]") == isKept && line.contains("your key is [redacted]") == isKept)
            #expect(line.contains("\"prompt\"") == isKept && !line.contains(secret) && !line.contains("me@example"))
        }
    }

    @Test func bodiesAreKeptWithoutTheirFramingUpToALimit() {
        var driver = driver(.full, limit: 30)
        let head =
            "POST /v1/chat/completions HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
        driver.client(head + Text.chunk(#"{"model":"m","prompt"#) + Text.chunk(#"":"abcdefghijklm"}"#) + "0\r\n\r\n")
        driver.connected()
        driver.upstream(Text.streamHead + Text.chunk("data: a\n\n"))
        driver.upstream(Text.chunk("data: b\n\n") + "0\r\n\r\n")
        let line = driver.audited().first ?? ""
        #expect(
            line.contains(#""prompt":"{\"model\":\"m\",\"prompt\":\"abcdefg","answer":"data: a\u000a\u000adata: b\u000a\u000a"}"#)
        )
    }

    @Test func whatIsNoTextStaysOneLine() {
        var driver = driver(.full)
        driver.give(
            .client,
            Array("POST /v1/chat/completions HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\n".utf8) + [0x7B, 0xFF, 0x0A, 0x22])
        let lines = driver.audited()
        #expect(lines.count == 1 && lines[0].hasSuffix("}"))
    }

    @Test func wholeLinesAreDroppedWhereNobodyTakesThem() {
        var driver = driver()
        let request = "GET /v1/models HTTP/1.1\r\nHost: a\r\n\r\n"
        driver.client(request)
        let line = driver.context.audit.bytes
        driver.context.audit.bytes = Array(repeating: 0x0A, count: AuditBuffer.limit - line.count)
        driver.client(request)
        #expect(driver.context.audit.dropped == 0 && driver.context.audit.bytes.count == AuditBuffer.limit)
        driver.client(request)
        #expect(driver.context.audit.dropped == 1 && driver.context.audit.lines == 2)
        #expect(driver.context.audit.bytes.count == AuditBuffer.limit && driver.context.audit.bytes.last == 0x0A)
    }

    @Test func nothingIsWrittenForNobody() {
        var driver = driver()
        driver.context.audit.isOpen = false
        _ = driver.exchange()
        #expect(driver.audited().isEmpty && driver.context.audit.lines == 0)
        driver.context.audit.isOpen = true
        driver.adopt(gate: Gate.catalog())
        _ = driver.exchange()
        #expect(driver.audited().isEmpty)
    }

    @Test func momentsAreWrittenAsTheyAre() {
        for (milliseconds, wanted) in [
            (Int64(0), "1970-01-01T00:00:00.000Z"), (951_827_696_789, "2000-02-29T12:34:56.789Z"),
            (4_102_444_799_999, "2099-12-31T23:59:59.999Z"), (-5, "1970-01-01T00:00:00.000Z"),
        ] {
            var bytes: [UInt8] = []
            bytes.write(32) { $0.add(time: milliseconds) }
            #expect(String(decoding: bytes, as: UTF8.self) == wanted)
        }
        var bytes: [UInt8] = []
        bytes.write(32) { line in
            line.add(millionths: 1_234_567)
            line.add(" ")
            line.add(thousandths: 42)
        }
        #expect(String(decoding: bytes, as: UTF8.self) == "1.234567 0.042")
    }
}
