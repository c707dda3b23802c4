import HTTPWire
import Testing

/// Streams without the event that says what they used, however their bytes come.
@Suite struct UsageStripperTests {
    private static func strip(_ pieces: [ArraySlice<UInt8>]) -> [UInt8] {
        var stripper = UsageStripper()
        var output: [UInt8] = []
        for piece in pieces {
            // Not at the start of its buffer.
            let bytes = [0x0A, 0x0A] + piece
            stripper.strip(bytes.span, 2..<bytes.count, into: &output)
        }
        stripper.finish(into: &output)
        return output
    }

    private static func text(_ bytes: [UInt8]) -> String { String(decoding: bytes, as: UTF8.self) }

    static let chunk = #"{"choices":[{"delta":{"content":"a"}}],"usage":null}"#
    static let usage = #"{"id":"x","choices":[],"usage":{"prompt_tokens":5,"completion_tokens":2,"total_tokens":7}}"#

    /// Streams, and what is left of them.
    static let cases: [(String, String)] = ["\n", "\r\n", "\r"].flatMap { end in
        [
            ("data: A##data: U##data: [DONE]##", "data: A##data: [DONE]##"),
            ("data: U##", ""), ("data:U##data: A##", "data: A##"), ("data: U", ""), ("data: A", "data: A"),
            (": ping##data: A#id: 7##event: x#id: 8#data: U##: ping##", ": ping##data: A#id: 7##: ping##"),
            (": ping#data: U##data: A##", ": ping#data: A##"), ("##data: U####", "####"),
            ("data: {\"choices\" : [ ] ,#data: \"usage\":#data: {}}##data: A##", "data: A##"),
            ("data: {\"choices\":[],\"usage\":null}##", nil),
            ("data: {\"choices\":[{}],\"usage\":{\"total_tokens\":3}}##", nil),
            ("data: {\"choices\":[],\"prompt_filter_results\":[{\"usage\":{}}]}##", nil),
            ("data: {\"x\":{\"choices\":[],\"usage\":{}}}##", nil), ("data: [{\"choices\":[],\"usage\":{}}]##", nil),
            ("data: {\"choices\":[],\"usage\":{}##data: A##", nil), ("data: {\"usage\":{}}##", nil),
            ("data: {\"choices\":[],\"us\\u0061ge\":{}}##", nil),
            ("data: {\"content\":\"\\\"choices\\\":[],\\\"usage\\\":{\"}##", nil),
            ("dat: U##datas: U##", nil), ("no events at all U", nil),
        ].map { stream, rest in
            let fill = { (text: String) in
                text.replacing("A", with: chunk).replacing("U", with: usage).replacing("#", with: end)
            }
            return (fill(stream), fill(rest ?? stream))
        }
    }

    @Test(arguments: cases) func whatIsLeft(stream: String, rest: String) {
        #expect(Self.text(Self.strip([Array(stream.utf8)[...]])) == rest)
    }

    @Test(arguments: cases) func anyCutLeavesTheSame(stream: String, rest: String) {
        let bytes = Array(stream.utf8)
        for cut in bytes.indices {
            #expect(Self.text(Self.strip([bytes[..<cut], bytes[cut...]])) == rest, "cut at \(cut)")
        }
        #expect(Self.text(Self.strip(bytes.indices.map { bytes[$0...$0] })) == rest)
    }

    /// A whole event is there at once, and so is a comment.
    @Test func nothingElseIsDelayed() {
        var stripper = UsageStripper()
        for text in ["data: \(Self.chunk)\n\n", ": keep-alive\n", "event: x\ndata: \(Self.chunk)\r\n\r\n", "data: [DONE]\n\n"] {
            var output: [UInt8] = []
            let bytes = Array(text.utf8)
            stripper.strip(bytes.span, 0..<bytes.count, into: &output)
            #expect(output == bytes && stripper.heldCount == 0)
        }
    }

    @Test func anEventThatIsTooLongGoesOnAsItComes() {
        let long = "data: {\"choices\":[],\"usage\":{},\"pad\":\"\(String(repeating: "x", count: 3 * UsageStripper.limit))\"}\n\n"
        let bytes = Array((long + "data: \(Self.usage)\n\ndata: [DONE]\n\n").utf8)
        for size in [1, 100, 5000, bytes.count] {
            var stripper = UsageStripper()
            var output: [UInt8] = []
            for start in stride(from: 0, to: bytes.count, by: size) {
                stripper.strip(bytes.span, start..<min(start + size, bytes.count), into: &output)
                #expect(stripper.heldCount <= UsageStripper.limit)
            }
            stripper.finish(into: &output)
            #expect(Self.text(output) == long + "data: [DONE]\n\n")
        }
    }

    /// Streams at random, cut at random.
    @Test func streamsAtRandom() {
        var random = SplitMix(state: 5)
        for _ in 0..<1500 {
            let (stream, rest) = Self.stream(&random)
            var pieces: [ArraySlice<UInt8>] = []
            var position = 0
            while position < stream.count {
                let end = min(stream.count, position + 1 + random.below(random.pick([3, 40, 400])))
                pieces.append(stream[position..<end])
                position = end
            }
            let left = Self.strip(pieces)
            #expect(left == Self.strip([stream[...]]), "\(Self.text(stream))")
            #expect(left == rest, "\(Self.text(stream))")
        }
    }

    private static func stream(_ random: inout SplitMix) -> (whole: [UInt8], rest: [UInt8]) {
        var (whole, rest) = ("", "")
        for _ in 0..<1 + random.below(9) {
            let end = random.pick(["\n", "\r\n", "\r"])
            // A comment of its own, which the usage behind it leaves alone.
            let comment = random.below(4) == 0 ? ": c\(random.below(9))\(end)" : ""
            let isUsage = random.below(3) == 0
            var lines =
                isUsage ? ["data: \(usage)"] : [random.pick(["data: \(chunk)", "data: [DONE]", "data: {\"usage\":{}}", "id: 5"])]
            if random.below(3) == 0 { lines.insert("event: e", at: 0) }
            if random.below(4) == 0 { lines.append("id: \(random.below(99))") }
            let event = lines.map { $0 + end }.joined() + end
            whole += comment + event
            rest += comment + (isUsage ? "" : event)
        }
        return (Array(whole.utf8), Array(rest.utf8))
    }
}
