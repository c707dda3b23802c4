import HTTPWire
import Testing

@Suite struct TraceParentTests {
    private static let good = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"

    private func parse(_ text: String) -> TraceParent? {
        let bytes = Array(text.utf8)
        return TraceParent(parsing: bytes.span, 0..<bytes.count)
    }

    private func written(_ parent: TraceParent) -> String {
        var bytes: [UInt8] = []
        parent.appendField(to: &bytes)
        return String(decoding: bytes, as: UTF8.self)
    }

    @Test func whatIsReadIsWritten() throws {
        let parent = try #require(parse(Self.good))
        #expect(parent.high == 0x0af7_6519_16cd_43dd && parent.low == 0x8448_eb21_1c80_319c)
        #expect(parent.parent == 0xb7ad_6b71_6920_3331 && parent.isSampled)
        #expect(written(parent) == "traceparent: \(Self.good)\r\n")
    }

    @Test(arguments: [
        ("00", false, "00"), ("01", true, "01"), ("02", false, "02"), ("03", true, "03"), ("ff", true, "03"), ("fc", false, "00"),
    ])
    func onlyKnownFlagsArePassedOn(flags: String, isSampled: Bool, passed: String) throws {
        let parent = try #require(parse(Self.good.dropLast(2) + flags))
        #expect(parent.isSampled == isSampled)
        #expect(written(parent).hasSuffix("-\(passed)\r\n"))
    }

    /// A version to come may have more behind the flags.
    @Test(arguments: ["", "-", "-what-ever-comes", "-09"]) func versionsToCome(rest: String) throws {
        let later = try #require(parse("cc" + Self.good.dropFirst(2) + rest))
        #expect(written(later) == "traceparent: \(Self.good)\r\n")
        #expect((parse(Self.good + rest) != nil) == rest.isEmpty)
    }

    @Test(arguments: [
        "", "00", "00-", "ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        "00-00000000000000000000000000000000-b7ad6b7169203331-01", "00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01",
        "00-0AF7651916CD43DD8448EB211C80319C-b7ad6b7169203331-01", "00-0af7651916cd43dd8448eb211c80319c-B7AD6B7169203331-01",
        "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-0", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-0g",
        "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01x", "00_0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        "00-0af7651916cd43dd8448eb211c80319c_b7ad6b7169203331-01", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331_01",
        "0x-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", "-0-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        "00-0af7651916cd43dd8448eb211c80319 -b7ad6b7169203331-01", "cc-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01.x",
        "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-1\u{E9}",
    ])
    func whatIsNoneIsNotUsed(text: String) { #expect(parse(text) == nil) }

    @Test func noBytesTrap() {
        var random = SystemRandomNumberGenerator()
        let alphabet = Array("0123456789abcdef-fgGF \u{0}".utf8)
        for _ in 0..<20_000 {
            var bytes = Array(Self.good.utf8)
            for _ in 0..<Int.random(in: 1...3, using: &random) {
                bytes[Int.random(in: bytes.indices, using: &random)] = alphabet.randomElement(using: &random) ?? 0
            }
            let end = Int.random(in: 0...bytes.count, using: &random)
            if let parent = TraceParent(parsing: bytes.span, 0..<end) {
                #expect(parent.parent != 0 && parent.high | parent.low != 0)
            }
        }
    }

    // MARK: - In a head

    private func trace(_ fields: String) throws -> (TraceFields, dropped: [String], String?) {
        let text = "GET / HTTP/1.1\r\nHost: a\r\n\(fields)\r\n"
        let bytes = Array(text.utf8)
        var head = try RequestHead(parsing: bytes.span, size: bytes.count)
        let trace = try head.dropTrace(in: bytes.span)
        let dropped = (0..<head.dropped.count).map { String(decoding: bytes[head.dropped[$0]], as: UTF8.self) }
        let state = trace.state.isEmpty ? nil : String(decoding: bytes[trace.state.range], as: UTF8.self)
        return (trace, dropped, state)
    }

    @Test func theParentIsLeftOutAndTheStateStays() throws {
        let (trace, dropped, state) = try trace("A: b\r\nTraceParent: \(Self.good)\r\ntracestate: x=1\r\n")
        #expect(trace.parent != nil && state == "x=1")
        #expect(dropped == ["Host: a\r\n", "TraceParent: \(Self.good)\r\n"])
    }

    @Test(arguments: [
        "tracestate: x=1\r\n", "traceparent: nonsense\r\ntracestate: x=1\r\n",
        "traceparent: \(good)\r\ntracestate: x=1\r\ntraceparent: \(good)\r\n",
    ])
    func aStateWithoutAParentIsLeftOut(fields: String) throws {
        let (trace, dropped, state) = try trace("Z: 1\r\n" + fields)
        #expect(trace.parent == nil && state == nil)
        #expect(dropped.joined() == "Host: a\r\n" + fields)
    }

    /// More separate lines than can be left out: the head is not touched.
    @Test func aHeadThatIsFullGoesOnAsItIs() throws {
        let many = (0..<15).map { "x-modelbroker-\($0): 1\r\nb: 2\r\n" }.joined()
        let text = "GET / HTTP/1.1\r\nHost: a\r\nc: d\r\n\(many)traceparent: \(Self.good)\r\n\r\n"
        let bytes = Array(text.utf8)
        var head = try RequestHead(parsing: bytes.span, size: bytes.count)
        #expect(head.dropped.count == 16)
        #expect(throws: HeadFault.self) { try head.dropTrace(in: bytes.span) }
        #expect(head.dropped.count == 16)
    }
}
