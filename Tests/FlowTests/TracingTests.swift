import Catalog
import Control
import HTTPWire
import Routing
import Telemetry
import Testing

@testable import Flow

/// The trace that a request belongs to: what endpoints are told of it, and what is told of the request.
@Suite struct TracingTests {
    private static let trace = "0af7651916cd43dd8448eb211c80319c"
    private static let parent = "b7ad6b7169203331"

    private static func field(_ flags: String = "01") -> String { "traceparent: 00-\(trace)-\(parent)-\(flags)\r\n" }

    private func driver(_ catalog: Catalog = FlowDriver.pair(), _ tracing: Tracing? = Tracing(sample: 1_000_000)) -> FlowDriver {
        var driver = FlowDriver(catalog)
        driver.context.adopt(RoutingTable(catalog, &driver.numbers), catalog.node, tracing: tracing)
        return driver
    }

    private struct Told: Equatable {
        var trace: String
        var span: String
        var flags: String

        init?(_ head: String) {
            let lines = head.split(separator: "\r\n").filter { $0.lowercased().hasPrefix("traceparent:") }
            guard lines.count == 1 else { return nil }
            let parts = lines[0].dropFirst("traceparent: 00-".count).split(separator: "-").map(String.init)
            guard parts.count == 3 else { return nil }
            (trace, span, flags) = (parts[0], parts[1], parts[2])
        }
    }

    // MARK: - What goes on

    @Test func withoutTracesHeadsGoOnAsTheyCame() {
        let fields = Self.field() + "tracestate: a=1\r\nTRACEPARENT: x\r\n"
        var (plain, off) = (FlowDriver(FlowDriver.pair()), driver(FlowDriver.pair(), nil))
        for field in ["", fields] {
            plain.client(Text.post(fields: field))
            plain.connected()
            off.client(Text.post(fields: field))
            off.connected()
            let sent = off.takeUpstream()
            #expect(sent.contains(field) && sent == plain.takeUpstream())
            plain.upstream(Text.answer)
            off.upstream(Text.answer)
        }
        #expect(off.context.spans.made == 0)
    }

    @Test(arguments: [("01", true), ("00", false)]) func theCallersTraceGoesOn(flags: String, isSampled: Bool) throws {
        var driver = driver(FlowDriver.pair(), Tracing(sample: isSampled ? 0 : 1_000_000))
        driver.client(Text.post(fields: Self.field(flags) + "tracestate: a=1,b=2\r\n"))
        driver.connected()
        let head = driver.takeUpstream()
        let told = try #require(Told(head))
        #expect(told.trace == Self.trace && told.flags == flags && told.span != Self.parent && told.span.count == 16)
        #expect(head.contains("\r\ntracestate: a=1,b=2\r\n"))
        driver.upstream(Text.answer)
        #expect(driver.context.spans.made == (isSampled ? 2 : 0))
    }

    /// Callers that anybody can be do not decide how much is told.
    @Test(arguments: [0, 1_000_000] as [UInt64]) func whatTheCallerWantsMayCountForNothing(sample: UInt64) throws {
        var driver = driver(FlowDriver.pair(), Tracing(sample: sample, followsParent: false))
        driver.client(Text.post(fields: Self.field(sample == 0 ? "01" : "00")))
        driver.connected()
        let told = try #require(Told(driver.takeUpstream()))
        #expect(told.trace == Self.trace && told.flags == (sample == 0 ? "00" : "01"))
        driver.upstream(Text.answer)
        #expect(driver.context.spans.made == (sample == 0 ? 0 : 2))
    }

    @Test(arguments: [
        "traceparent: nonsense\r\ntracestate: a=1\r\n", "tracestate: a=1\r\n",
        "traceparent: 00-\(trace)-\(parent)-01\r\ntraceparent: 00-\(trace)-\(parent)-01\r\ntracestate: a=1\r\n",
        "traceparent: ff-\(trace)-\(parent)-01\r\ntracestate: a=1\r\n",
    ])
    func whatIsNotValidBeginsATraceOfItsOwn(fields: String) throws {
        var driver = driver()
        driver.client(Text.post(fields: fields))
        driver.connected()
        let head = driver.takeUpstream()
        let told = try #require(Told(head))
        #expect(told.trace != Self.trace && told.trace.count == 32 && told.flags == "01")
        #expect(!head.contains("tracestate"))
    }

    @Test func oneOfSoManyIsSampled() {
        var ids = RequestIDs(seed: 3)
        for sample in [0, 10_000, 500_000, 1_000_000] as [UInt64] {
            let sampler = Sampler(Tracing(sample: sample))
            let taken = (0..<20_000).count { _ in sampler.takes(ids.next()) }
            let wanted = Int(sample) / 50
            #expect(abs(taken - wanted) <= (sample % 1_000_000 == 0 ? 0 : 400), "\(sample): \(taken)")
        }
        #expect(!Sampler(nil).isOn)
    }

    // MARK: - What is told

    /// Spans as far as they are looked at here.
    private struct Span {
        var trace = ""
        var id = ""
        var parent = ""
        var name = ""
        var kind: UInt64 = 0
        var start: UInt64 = 0
        var end: UInt64 = 0
        var state = ""
        var isError = false
        var attributes: [String: String] = [:]
        var events: [String] = []
    }

    private func spans(_ driver: FlowDriver) -> [Span] {
        fields(driver.context.spans.bytes).compactMap { $0.number == 2 ? span($0.bytes) : nil }
    }

    private func span(_ bytes: [UInt8]) -> Span {
        var span = Span()
        for field in fields(bytes) {
            switch field.number {
            case 1: span.trace = Self.hexadecimal(field.bytes)
            case 2: span.id = Self.hexadecimal(field.bytes)
            case 3: span.state = field.text
            case 4: span.parent = Self.hexadecimal(field.bytes)
            case 5: span.name = field.text
            case 6: span.kind = field.value
            case 7: span.start = field.value
            case 8: span.end = field.value
            case 9:
                let parts = fields(field.bytes)
                let value = fields(parts.first { $0.number == 2 }?.bytes ?? []).first
                let text: String
                switch value?.number {
                case 1: text = value?.text ?? ""
                case 4: text = "\(Double(bitPattern: value?.value ?? 0))"
                default: text = "\(value?.value ?? 0)"
                }
                span.attributes[parts.first { $0.number == 1 }?.text ?? ""] = text
            case 11: span.events.append(fields(field.bytes).first { $0.number == 2 }?.text ?? "")
            case 15: span.isError = fields(field.bytes).contains { $0.number == 3 && $0.value == 2 }
            default: break
            }
        }
        return span
    }

    private static func hexadecimal(_ bytes: [UInt8]) -> String {
        bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
    }

    @Test func aRequestAndItsAnswer() throws {
        var driver = driver(FlowDriver.single { $0.upstreamModel = "meta/m" })
        driver.context.epochMilliseconds = 1_700_000_000_000
        driver.client(
            Text.post(fields: Self.field() + "tracestate: a=1\r\nx-request-id: mine\r\n", path: "/v1/chat/completions?key=secret")
        )
        driver.context.now += 1_000_000
        driver.connected()
        let told = try #require(Told(driver.takeUpstream()))
        driver.context.now += 2_000_000
        driver.upstream("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 51\r\n\r\n{")
        driver.context.now += 3_000_000
        driver.upstream(#""usage":{"prompt_tokens":7,"completion_tokens":3}}"#)
        let spans = spans(driver)
        #expect(spans.count == 2 && driver.context.spans.count == 2)
        let (attempt, request) = (try #require(spans.first), try #require(spans.last))
        #expect(request.trace == Self.trace && request.parent == Self.parent && request.kind == 2 && request.state == "a=1")
        #expect(attempt.trace == Self.trace && attempt.parent == request.id && attempt.kind == 3)
        #expect(told.span == attempt.id && attempt.id != request.id)
        #expect(request.name == "chat m" && attempt.name == "chat meta/m")
        #expect(request.end == 1_700_000_000_000_000_000 && request.end - request.start == 6_000_000)
        #expect(attempt.start == request.start && attempt.end == request.end)
        #expect(request.events == ["first_token"] && !request.isError && !attempt.isError)
        let wanted = [
            "gen_ai.operation.name": "chat", "gen_ai.request.model": "m", "gen_ai.response.model": "meta/m",
            "gen_ai.usage.input_tokens": "7", "gen_ai.usage.output_tokens": "3", "http.request.method": "POST",
            "url.path": "/v1/chat/completions", "http.response.status_code": "200", "modelbroker.attempts": "1",
            "modelbroker.time_to_first_token": "0.003", "modelbroker.request.id": "mine", "modelbroker.model": "m",
            "modelbroker.entrance": "gateway", "server.address": "127.64.0.10", "server.port": "8000",
            "client.address": "127.0.0.1",
        ]
        #expect(request.attributes == wanted)
        #expect(attempt.attributes["server.port"] == "9101" && attempt.attributes["gen_ai.request.model"] == "meta/m")
        #expect(attempt.attributes["http.response.status_code"] == "200" && attempt.attributes["error.type"] == nil)
    }

    @Test func eachAttemptHasASpanOfItsOwn() throws {
        var driver = driver(FlowDriver.pair(RetryPolicy(attempts: 3)))
        driver.client(Text.post())
        driver.connected()
        let first = try #require(Told(driver.takeUpstream()))
        driver.upstream(Text.failure(503))
        driver.connected()
        let second = try #require(Told(driver.takeUpstream()))
        driver.upstream(Text.answer)
        let spans = spans(driver)
        #expect(spans.count == 3)
        #expect(first.trace == second.trace && first.span != second.span)
        #expect(spans.map(\.id).prefix(2) == [first.span, second.span])
        let request = try #require(spans.last)
        #expect(request.parent.isEmpty && spans.prefix(2).allSatisfy { $0.parent == request.id })
        #expect(spans[0].isError && spans[0].attributes["error.type"] == "503" && !spans[1].isError)
        #expect(spans[1].attributes["http.request.resend_count"] == "1" && request.attributes["modelbroker.attempts"] == "2")
    }

    @Test func whatIsRefusedOrBreaksIsTold() throws {
        var driver = driver(FlowDriver.single(RetryPolicy(attempts: 1)))
        driver.client(Text.ask("nope"))
        let refused = try #require(spans(driver).last)
        #expect(refused.attributes["error.type"] == "model_not_found" && refused.attributes["http.response.status_code"] == "404")
        #expect(!refused.isError && refused.name == "chat nope")
        driver.context.spans = SpanBuffer()
        driver.client(Text.post())
        driver.connected()
        driver.upstream("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\ndata: {}\n\n")
        driver.failed(.upstream)
        let broken = spans(driver)
        #expect(broken.count == 2 && broken.allSatisfy { $0.isError && $0.attributes["error.type"] == "broken" })
    }

    @Test func aCallerThatGoesIsNoError() throws {
        var driver = driver(FlowDriver.single())
        driver.client(Text.post(fields: Self.field()))
        driver.connected()
        driver.ended(.client)
        driver.ended(.upstream)
        let spans = spans(driver)
        #expect(spans.count == 2 && spans.allSatisfy { !$0.isError && $0.attributes["error.type"] == "cancelled" })
    }

    /// To the address dialled a request goes on as it came, and is told of all the same.
    @Test func whatIsRelayedIsNotChanged() throws {
        var driver = FlowDriver(.capture)
        let catalog = FlowDriver.single()
        driver.context.adopt(RoutingTable(catalog, &driver.numbers), catalog.node, tracing: Tracing(sample: 0))
        let request = Text.post(#"{"model":"unknown"}"#, fields: Self.field() + "tracestate: a=1\r\n")
        driver.client(request)
        driver.connected()
        #expect(driver.takeUpstream() == request)
        driver.upstream(Text.answer)
        let spans = spans(driver)
        #expect(spans.map(\.parent) == [Self.parent] && spans.first?.attributes["gen_ai.request.model"] == "unknown")
    }

    /// Hostile texts stay texts, and what nobody takes is dropped and counted.
    @Test func spansAreBounded() throws {
        var driver = driver(FlowDriver.single(), Tracing(sample: 1_000_000))
        let path = "/v1/" + String(repeating: "x%ff\u{7E}", count: 150)
        for _ in 0..<1_500 {
            driver.client(Text.post(#"{"model":"\#(String(repeating: "\\u0000é", count: 60))"}"#, path: path))
            driver.toClient = []
        }
        #expect(driver.context.spans.bytes.count <= SpanBuffer.limit)
        #expect(driver.context.spans.dropped > 0)
        #expect(driver.context.spans.made + driver.context.spans.dropped == 1_500)
        #expect(OTLP.count(ofItems: driver.context.spans.bytes) == driver.context.spans.made)
        #expect(spans(driver).allSatisfy { $0.attributes["url.path"]?.utf8.count == SpanNotes.textLimit })
    }

    @Test func attemptsAreBounded() {
        var notes = SpanNotes()
        let target = RoutingTable(FlowDriver.single().models).target(0)
        for number in 0..<100 {
            notes.begin(UInt64(number + 1), target, isHedge: number % 2 == 1, now: UInt64(number))
            if number % 3 == 0 { notes.promote() }
            notes.end(isHedge: number % 2 == 1, .noAnswer, now: UInt64(number))
        }
        #expect(notes.attempts.count == SpanNotes.mostAttempts)
        #expect(notes.span(isHedge: false) == nil)
    }
}

/// The fields of a message, one after the other.
private func fields(_ bytes: [UInt8]) -> [FieldReader.Field] { Array(IteratorSequence(FieldReader(bytes))) }

private struct FieldReader: IteratorProtocol {
    struct Field {
        var number: Int
        var value: UInt64 = 0
        var bytes: [UInt8] = []
        var text: String { String(decoding: bytes, as: UTF8.self) }
    }

    private let bytes: [UInt8]
    private var position = 0

    init(_ bytes: [UInt8]) { self.bytes = bytes }

    private mutating func varint() -> UInt64 {
        var (value, shift): (UInt64, UInt64) = (0, 0)
        while position < bytes.count {
            value |= UInt64(bytes[position] & 0x7F) << shift
            shift += 7
            position += 1
            if bytes[position - 1] < 0x80 { break }
        }
        return value
    }

    mutating func next() -> Field? {
        guard position < bytes.count else { return nil }
        let tag = varint()
        var field = Field(number: Int(tag >> 3))
        switch tag & 7 {
        case 0: field.value = varint()
        case 1:
            for index in 0..<8 { field.value |= UInt64(bytes[position + index]) << UInt64(8 * index) }
            position += 8
        default:
            let count = Int(varint())
            field.bytes = Array(bytes[position..<position + count])
            position += count
        }
        return field
    }
}
