import Testing

@testable import HTTPWire

/// Chunks of events that go past without a closer look.
@Suite struct PlainEventsTests {
    private static let event = #"data: {"choices":[{"delta":{"content":"a word or two"}}]}"# + "\n\n"

    private static func chunk(_ data: String) -> String { String(data.utf8.count, radix: 16) + "\r\n" + data + "\r\n" }

    /// What is gone past of `text`, which begins somewhere in its buffer.
    private static func look(_ text: String) -> (end: Int, count: Int, size: Int) {
        let bytes = Array(("xyz" + text).utf8)
        let events = PlainEvents(chunkedIn: bytes.span, from: 3)
        return (events.end - 3, events.count, events.size)
    }

    @Test func wholeChunksArePassed() {
        let (one, two) = (Self.chunk(Self.event), Self.chunk(Self.event + Self.event))
        let size = Self.event.utf8.count
        #expect(Self.look(one) == (one.utf8.count, 1, size))
        #expect(Self.look(one + two + "0\r\n\r\n") == (one.utf8.count + two.utf8.count, 3, 3 * size))
        // Hexadecimal digits of either case.
        let long = Self.event.replacing("a word", with: String(repeating: "w", count: 0xABCD))
        #expect(Self.look(Self.chunk(long).replacing("ac", with: "AC")).count == 1)
        let null = Self.event.replacing("]}\n", with: #"],"usage":null,"x":1}"# + "\n")
        #expect(Self.look(Self.chunk(null)).count == 1)
    }

    /// Beginnings of chunks, and other things that are left to those who look at each byte.
    static let others: [String] = [
        "", "1", "0\r\n\r\n", "\r\n", "5;x=y\r\ndata:\r\n", "-5\r\n", "7fffffffffffffff\r\n" + event, "ffffff\r\n" + event,
        "\(String(event.utf8.count, radix: 16))\n\(event)\r\n", "\(String(event.utf8.count, radix: 16))\r\n\(event)\n\n",
        chunk(": ping\n\n"), chunk("data: [DONE]\n\n"), chunk("id: 1\n" + event), chunk(String(event.dropLast())),
        chunk(event + "data: {"), chunk(event.replacing("\n", with: "\r\n")), chunk(event.replacing("\n\n", with: "\n \n")),
        chunk(#"data: {"choices":[],"usage":{"total_tokens":1}}"# + "\n\n"), chunk(#"data: {"usage":nullx"#),
        chunk(#"data: {"a":1,"usage" :null}"# + "\n\n"), chunk(#"data: {"us\u0061ge":{}}"# + "\n\n"),
        chunk("data: {}\n\ndata: {"),
    ]

    @Test(arguments: others) func anythingElseIsNot(text: String) {
        #expect(Self.look(text) == (0, 0, 0))
        let before = Self.chunk(Self.event)
        #expect(Self.look(before + text) == (before.utf8.count, 1, Self.event.utf8.count))
    }

    /// However much of it has come, only whole chunks are passed.
    @Test func nothingIsPassedThatIsNotHere() {
        let chunk = Self.chunk(Self.event)
        let text = chunk + chunk
        for length in 0...text.utf8.count {
            let part = String(decoding: text.utf8.prefix(length), as: UTF8.self)
            #expect(Self.look(part).end == length / chunk.utf8.count * chunk.utf8.count)
        }
    }

    /// A key may stand anywhere in a block of sixteen bytes.
    @Test func aKeyIsSeenWhereverItIs() {
        for length in 0..<70 {
            let text = #"data: {"a":"\#(String(repeating: "b", count: length))","usage":{"total_tokens":3}}"# + "\n\n"
            #expect(Self.look(Self.chunk(text)).count == 0)
        }
    }
}
