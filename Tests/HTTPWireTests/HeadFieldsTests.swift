import HTTPWire
import Testing

/// What is read in a head only when somebody asks, and what is left out of it.
@Suite struct HeadFieldsTests {
    private static func response(_ fields: String) throws -> (head: ResponseHead, bytes: [UInt8]) {
        let bytes = Array("HTTP/1.1 429 Too Many\r\n\(fields.replacing("\n", with: "\r\n"))\r\n\r\n".utf8)
        return (try ResponseHead(parsing: bytes.span, size: bytes.count), bytes)
    }

    private static func request(_ fields: String) throws -> (head: RequestHead, bytes: [UInt8]) {
        let bytes = Array("POST / HTTP/1.1\r\nHost: a\r\n\(fields.replacing("\n", with: "\r\n"))\r\n\r\n".utf8)
        return (try RequestHead(parsing: bytes.span, size: bytes.count), bytes)
    }

    private static func kept(_ dropped: LineSet, _ bytes: [UInt8], from start: Int) -> String {
        var text: [UInt8] = []
        var position = start
        for index in 0..<dropped.count {
            text += bytes[position..<dropped[index].lowerBound]
            position = dropped[index].upperBound
        }
        return String(decoding: text + bytes[position..<bytes.count - 2], as: UTF8.self).replacing("\r\n", with: "\n")
    }

    @Test(
        arguments: [
            ("Retry-After: 20", 20_000), ("retry-after:0", 0), ("retry-after: 1.5", 1500), ("a: b", nil),
            ("Retry-After: 20\nRetry-After-Ms: 1500", 1500), ("retry-after-ms: 12.5\nretry-after: 20", 12.5),
            ("retry-after-ms: x\nretry-after: 20", 20_000), ("retry-after: Fri, 31 Dec 1999 23:59:59 GMT", nil),
            ("retry-after: -5", nil), ("retry-after: 99999999999999999999", nil), ("retry-after: 99999999999", 2_592_000_000),
            ("retry-after: 5\nretry-after: 7", 5000), ("retry-after:", nil), ("retry-after: 1e3", nil), ("retry-after: 5 s", nil),
        ] as [(String, Double?)]) func howLongToWait(fields: String, milliseconds: Double?) throws
    {
        let (head, bytes) = try Self.response(fields)
        #expect(head.retryAfter(in: bytes.span) == milliseconds.map { UInt64($0 * 1_000_000) })
    }

    @Test(
        arguments: [
            ("6m0s", 360_000), ("12ms", 12), ("1s", 1000), ("1h2m3.5s", 3_723_500), ("7.66s", 7660), ("60", 60_000), ("0.5", 500),
            ("1d", 86_400_000), ("500us", 0.5), ("500µs", 0.5), ("0s", 0), ("2M59.560S", 179_560), ("", nil), ("s", nil),
            ("5x", nil), ("5m3", nil), ("1..5s", nil), ("1.s", nil), ("2026-01-01T00:00:00Z", nil), ("5 m", nil), ("-1s", nil),
            ("1767225600", 2_592_000_000), ("999999999999999999d", 2_592_000_000), ("1234567890123456789s", nil),
        ] as [(String, Double?)]) func whenALimitIsFullAgain(text: String, milliseconds: Double?) throws
    {
        let (head, bytes) = try Self.response(
            "x-ratelimit-limit-requests: 10\nX-RateLimit-Remaining-Requests: 3\nx-ratelimit-reset-requests: \(text)")
        let level = try #require(head.limits(in: bytes.span).requests)
        #expect(level.reset == milliseconds.map { UInt64($0 * 1_000_000) })
        #expect(level.percentUsed == 70)
    }

    @Test(
        arguments: [
            (100, 20, 80), (100, 71, 29), (1000, 201, 79), (10, 10, 0), (10, 11, 0), (10, 0, 100), (0, 0, 100), (3, 1, 66),
            (999_999_999_999_999_999, 1, 99), (999_999_999_999_999_999, 0, 100),
        ] as [(UInt64, UInt64, UInt8)]) func howMuchIsUsed(limit: UInt64, remaining: UInt64, percent: UInt8) throws
    {
        let (head, bytes) = try Self.response("x-ratelimit-remaining-tokens: \(remaining)\nx-ratelimit-limit-tokens: \(limit)")
        let limits = head.limits(in: bytes.span)
        #expect(limits.tokens?.percentUsed == percent && limits.requests == nil && limits.fullest == limits.tokens)
    }

    @Test func theFullestLimit() throws {
        let fields = """
            x-ratelimit-limit-requests: 60
            x-ratelimit-limit-tokens: 150000.0
            x-ratelimit-remaining-requests: 59
            x-ratelimit-remaining-tokens: 15000
            x-ratelimit-reset-requests: 1s
            x-ratelimit-reset-tokens: 6m0s
            x-ratelimit-limit-tokens-usage: 5
            x-ratelimit-limit: 7
            """
        let (head, bytes) = try Self.response(fields)
        let limits = head.limits(in: bytes.span)
        #expect(limits.requests?.percentUsed == 1 && limits.requests?.reset == 1_000_000_000)
        #expect(limits.fullest?.percentUsed == 90 && limits.fullest?.reset == 360_000_000_000)
    }

    @Test(arguments: [
        "x-ratelimit-limit-requests: 60", "x-ratelimit-limit-requests: many\nx-ratelimit-remaining-requests: 5",
        "x-ratelimit-limit-requests: 60\nx-ratelimit-remaining-tokens: 5", "a: b",
        "x-ratelimit-limit-requests: 99999999999999999999\nx-ratelimit-remaining-requests: 5",
    ]) func noLimits(fields: String) throws {
        let (head, bytes) = try Self.response(fields)
        #expect(head.limits(in: bytes.span) == UpstreamLimits() && head.limits(in: bytes.span).fullest == nil)
    }

    @Test(
        arguments: [
            ("application/json", .json), ("Application/JSON; charset=utf-8", .json), ("application/problem+json", .json),
            ("text/event-stream", .eventStream), ("text/event-stream;charset=utf-8", .eventStream),
            ("application/x-ndjson", .jsonLines), ("application/X-NDJSON ; a=b", .jsonLines), ("application/ndjson", .jsonLines),
            ("application/jsonl", .jsonLines), ("application/x-jsonlines", .jsonLines), ("application/jsonlines", .jsonLines),
            ("text/plain", nil), ("application/octet-stream", nil), ("+json", nil), ("", nil),
        ] as [(String, BodyForm?)]) func bodyForms(type: String, form: BodyForm?) throws
    {
        let (head, bytes) = try Self.response("Content-Type: \(type)")
        #expect(head.form(in: bytes.span) == form)
        #expect(head.isEventStream == (form == .eventStream))
    }

    @Test func noBodyForm() throws {
        let (head, bytes) = try Self.response("a: application/json")
        #expect(head.form(in: bytes.span) == nil)
    }

    @Test func framingIsLeftOut() throws {
        var (answer, bytes) = try Self.response("a: 1\nContent-Length: 5\nb: 2")
        try answer.dropFraming(in: bytes.span)
        #expect(Self.kept(answer.dropped, bytes, from: answer.fieldsStart) == "a: 1\nb: 2\n")
        #expect(answer.framing == .length(5))
        var (request, sent) = try Self.request("a: 1\nTransfer-Encoding: chunked\nb: 2")
        try request.dropFraming(in: sent.span)
        #expect(Self.kept(request.dropped, sent, from: request.fieldsStart) == "a: 1\nb: 2\n")
    }

    @Test func credentialsAreLeftOut() throws {
        let (head, bytes) = try Self.request(
            "Authorization: Bearer sk\napi-key: k\na: 1\nX-API-Key: k\nAuthorization: Basic x\nx-api-keys: 2\nproxy-authorization: p"
        )
        #expect(Self.kept(head.dropped, bytes, from: head.fieldsStart) == "a: 1\nx-api-keys: 2\n")
        #expect(try Self.request("x-api-keys: 2\nproxy-authorization: p").head.credentials.isEmpty)
    }

    @Test(arguments: [
        ("authorization: Bearer sk-1", CredentialLines.Kind.key, "sk-1"), ("Authorization: bEARER   sk-1  ", .key, "sk-1"),
        ("Authorization: Bearersk-1", .other, "Bearersk-1"), ("Authorization: Basic eA==", .other, "Basic eA=="),
        ("Authorization: Bearer", .empty, ""), ("Authorization: Bearer  ", .empty, ""), ("Authorization:", .empty, ""),
        ("api-key: sk-1", .key, "sk-1"), ("X-Api-Key:sk-1", .key, "sk-1"), ("x-api-key:", .empty, ""),
    ])
    func credentialsAreFound(line: String, kind: CredentialLines.Kind, value: String) throws {
        let (head, bytes) = try Self.request("a: 1\n\(line)\nb: 2")
        #expect(head.credentials.count == 1 && head.credentials[0].kind == kind)
        #expect(String(decoding: bytes[head.credentials[0].value.range], as: UTF8.self) == value)
        #expect(String(decoding: bytes[head.credentials[0].line.range], as: UTF8.self) == line + "\r\n")
    }

    @Test func moreCredentialsThanAnybodyHas() throws {
        let (head, _) = try Self.request((0..<5).map { "api-key: \($0)" }.joined(separator: "\n"))
        #expect(head.credentials.count == CredentialLines.limit && head.credentials.isOverfull)
    }

    /// Never is a key passed on because there are too many lines to leave out.
    @Test func tooManyToLeaveOut() throws {
        let fields = (0..<20).map { "a\($0): 1\nauthorization: k" }.joined(separator: "\n")
        #expect(throws: HeadFault.tooManyFields) { try Self.request(fields) }
    }
}
