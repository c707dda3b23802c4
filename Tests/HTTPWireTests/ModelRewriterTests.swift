import HTTPWire
import Testing

/// Which bytes of an answer are replaced, however they come.
@Suite struct ModelRewriterTests {
    static let name = Array(#"caller\u0027s"#.utf8)
    static let steps = [1, 2, 3, 7, 64, .max / 2]

    static func rewrite(_ bytes: [UInt8], step: Int, form: BodyForm, key: ModelRewriter.Key = .model) -> [UInt8] {
        var rewriter = ModelRewriter(replacement: name, form: form, key: key)
        var output: [UInt8] = []
        var position = 0
        while position < bytes.count {
            let end = min(position + step, bytes.count)
            rewriter.rewrite(bytes.span, position..<end, into: &output)
            position = end
        }
        rewriter.finish(into: &output)
        return output
    }

    static func expect(
        _ bytes: [UInt8], _ form: BodyForm, becomes expected: [UInt8], key: ModelRewriter.Key = .model,
        at location: SourceLocation = #_sourceLocation
    ) {
        for step in steps {
            let output = rewrite(bytes, step: step, form: form, key: key)
            guard output != expected else { continue }
            let (before, after) = (String(decoding: bytes, as: UTF8.self), String(decoding: output, as: UTF8.self))
            Issue.record("in pieces of \(step), \(before) became \(after)", sourceLocation: location)
        }
    }

    static func replacing(_ ranges: [Range<Int>], in bytes: [UInt8]) -> [UInt8] {
        var output: [UInt8] = []
        var position = 0
        for range in ranges {
            output += bytes[position..<range.lowerBound] + name
            position = range.upperBound
        }
        return output + bytes[position...]
    }

    /// `*` is the name that the endpoint wrote and `@` what stands in its place.
    static func check(
        _ text: String, _ form: BodyForm = .json, _ expected: String? = nil, key: ModelRewriter.Key = .model,
        at location: SourceLocation = #_sourceLocation
    ) {
        let name = String(decoding: name, as: UTF8.self)
        let bytes = Array(text.replacing("*", with: #"meta\/llama é"#).utf8)
        let wanted = (expected ?? text).replacing("@", with: name).replacing("*", with: #"meta\/llama é"#)
        expect(bytes, form, becomes: Array(wanted.utf8), key: key, at: location)
    }

    @Test(arguments: [
        (#"{"id":"x","model":"*","usage":{"total_tokens":3}}"#, #"{"id":"x","model":"@","usage":{"total_tokens":3}}"#),
        (#" { "model" : "*" } "#, #" { "model" : "@" } "#),
        (#"{"\u006dodel":"*"}"#, #"{"\u006dodel":"@"}"#),
        (#"{"\u006D\u006Fd\u0065l":"*"}"#, #"{"\u006D\u006Fd\u0065l":"@"}"#),
        (#"{"model":"","a":1}"#, #"{"model":"@","a":1}"#),
        (#"{"model":"*","model":"*"}"#, #"{"model":"@","model":"@"}"#),
        (
            #"{"a":1,"b":null,"c":[{"model":"*"}],"d":{"model":"*"},"model":"*"}"#,
            #"{"a":1,"b":null,"c":[{"model":"*"}],"d":{"model":"*"},"model":"@"}"#
        ),
        (
            #"{"response":{"id":1,"model":"*","response":{"model":"*"}},"model":"*"}"#,
            #"{"response":{"id":1,"model":"@","response":{"model":"*"}},"model":"@"}"#
        ),
        (#"{"type":"message_start","message":{"model":"*"}}"#, #"{"type":"message_start","message":{"model":"@"}}"#),
        (
            #"{"response":[{"model":"*"}],"message":"model","x":{"response":{"model":"*"}}}"#,
            #"{"response":[{"model":"*"}],"message":"model","x":{"response":{"model":"*"}}}"#
        ),
        (#"{"model":"\"\\","x":"\\\"model\":"}"#, #"{"model":"@","x":"\\\"model\":"}"#),
        (#"{"a":-1.5e+3 ,"model":"*"}"#, #"{"a":-1.5e+3 ,"model":"@"}"#),
    ]) func replacesTheName(text: String, expected: String) { Self.check(text, .json, expected) }

    /// Nothing in these is a model's name, or nothing before the fault is.
    @Test(arguments: [
        #"{"model":null}"#, #"{"model":5,"x":"*"}"#, #"{"model":{"model":"*"}}"#, #"{"model":["*"]}"#, #"{"model":true}"#,
        #"{"models":"*","mode":"*","Model":"*","model ":"*","model\u0000":"*","\ud83dmodel":"*"}"#, #"{"model_name":"*"}"#,
        #"["model","*"]"#, #""model""#, "model", "", "[DONE]", "{", #"{"model""#, #"{"model":"#, #"{"model":"*"#,
        #"{"model":"*\"#, #"{"model":"\"#, #"{"model" "*"}"#, #"{"model","*"}"#, #"{"model":,"*"}"#, #"{"a":1 2,"model":"*"}"#,
        #"{"a":"x" "model":"*"}"#, #"{"a":[1,{"model":"*"},"#, #"{model:"*"}"#, #"{"a":"b}"#, #"{"a":1}{"model":"*"}"#,
        #"x{"model":"*"}"#, "{\"model\":\"a\nb\"}", "{\"model\":\"a\\\nb\",\"model\":\"c\"}", "{\"a\":\"\n\",\"model\":\"*\"}",
        "{\"a\":\"\\\u{1}\",\"model\":\"*\"}",
        #"{"mod\uzzel":"*","mod\u006":"*"}"#, #"{"a"::"x","model":"*"}"#, #"{"a":]"x","model":"*"}"#, #"{"a":nu"ll,"model":"*"}"#,
    ]) func leavesTheRest(text: String) {
        Self.check(text)
        Self.check(text, .jsonLines)
    }

    @Test func otherKeys() {
        Self.check(
            #"{"model":"*","model_name":"*","response":{"model_name":"*"}}"#, .json,
            #"{"model":"*","model_name":"@","response":{"model_name":"*"}}"#, key: .modelName)
    }

    @Test func onlyShortNamesAreReplaced() {
        for count in [1, 1023, 1024, 1025, 1026, 5000] {
            for text in [String(repeating: "n", count: count), String(repeating: #"\""#, count: count / 2) + "e"] {
                let bytes = Array(#"{"model":"\#(text)","model":"x"}"#.utf8)
                let isShort = text.utf8.count <= ModelRewriter.limit
                let first = isShort ? String(decoding: Self.name, as: UTF8.self) : text
                let expected = #"{"model":"\#(first)","model":"\#(String(decoding: Self.name, as: UTF8.self))"}"#
                Self.expect(bytes, .json, becomes: Array(expected.utf8))
            }
        }
    }

    @Test func deepNesting() {
        let deep = String(repeating: #"{"model":["#, count: 20_000)
        Self.check(#"{"a":"# + deep, .json)
        let closed = String(repeating: "[", count: 5000) + String(repeating: "]", count: 5000)
        Self.check(#"{"a":\#(closed),"model":"*"}"#, .json, #"{"a":\#(closed),"model":"@"}"#)
    }

    @Test func hugeKeys() {
        let key = String(repeating: "model", count: 4000)
        Self.check(#"{"\#(key)":"*","model":"*"}"#, .json, #"{"\#(key)":"*","model":"@"}"#)
    }

    @Test(arguments: ["\n", "\r\n", "\r"]) func eventsOfAStream(lineEnd: String) {
        let stream = """
            : {"model":"*"}
            event: {"model":"*"}
            data: {"model":"*"}

            data:{"model":"*","choices":[{"delta":{"content":"\\n\\n"}}]}
            id: 5
            data

            data: {"choices":[],
            data:"model":
            : in between
            data: "*"}

            data: {"response":{"model":"*"},
            datax: {"model":"*"}
            data: "a":{"model":"*

            data: {"model":"*"}
            data: {"model":"*"}

            data : {"model":"*"}
            Data: {"model":"*"}
             data: {"model":"*"}


            data: [DONE]

            data: {"model":"*
            data: ","model":"*"}

            data: {"a":"never ends
            data: ","model":"*"}

            data: 5

            data: {"model":"*"
            """
        var expected = ""
        var isReplaced = [
            false, false, true, true, true, true, false, false, true, false, false, false, false, false, false, false, true,
        ].makeIterator()
        for character in stream {
            if character == "*" { expected += isReplaced.next() == true ? "@" : "*" } else { expected.append(character) }
        }
        #expect(isReplaced.next() == nil)
        Self.check(
            stream.replacing("\n", with: lineEnd), .eventStream, expected.replacing("\n", with: lineEnd))
    }

    /// An event that breaks off says nothing of the next one.
    @Test func everyEventBeginsAnew() {
        for start in [
            #"{"response":{"a":"#, #"{"a":[{"#, #"{"a":""#, #"{"model":""#, #"{"mod\u00"#, #"{"a":5"#, "x", #"{"a":"\"#,
        ] {
            let next = #"{"response":{"model":"*"},"model":"*"}"#
            let expected = #"{"response":{"model":"@"},"model":"@"}"#
            Self.check("data: \(start)\n\ndata: \(next)\n\n", .eventStream, "data: \(start)\n\ndata: \(expected)\n\n")
            Self.check("\(start)\n\(next)\n", .jsonLines, "\(start)\n\(expected)\n")
        }
    }

    @Test func textsOnLines() {
        Self.check(
            "{\"model\":\"*\",\"done\":false}\n{\"model\":\"*\"}\r\n\r\n{\"a\":\"never ends\n{\"model\":\"*\n{\"model\":\"*\"}",
            .jsonLines,
            "{\"model\":\"@\",\"done\":false}\n{\"model\":\"@\"}\r\n\r\n{\"a\":\"never ends\n{\"model\":\"*\n{\"model\":\"@\"}")
    }

    /// A name is all that waits for what comes next.
    @Test func holdsNothingButTheName() {
        let bytes = Array("data: {\"id\":\"x\",\"model\":\"meta/llama\",\"choices\":[]}\n\n".utf8)
        var rewriter = ModelRewriter(replacement: Self.name, form: .eventStream)
        var output: [UInt8] = []
        for index in bytes.indices {
            var step = rewriter.step(bytes.span, index..<index + 1, into: &output)
            // The name ends with nothing passed: its quote is for the next step.
            #expect(step.count == 1 || index == 35)
            if step.count == 0 { step = rewriter.step(bytes.span, index..<index + 1, into: &output) }
            let isInName = (25..<35).contains(index)
            #expect(step.passed == (isInName ? 0 : 1), "at \(index)")
            #expect(rewriter.heldCount == (isInName ? index - 24 : 0), "at \(index)")
        }
        #expect(output == Self.name)
    }

    @Test func stepsPassWhatComesBeforeTheName() {
        let bytes = Array(#"{"model":"abc","x":1}"#.utf8)
        var rewriter = ModelRewriter(replacement: Self.name, form: .json)
        var output: [UInt8] = []
        #expect(rewriter.step(bytes.span, 0..<bytes.count, into: &output) == RewriteStep(passed: 10, replaced: 3))
        #expect(output == Self.name)
        #expect(rewriter.step(bytes.span, 13..<bytes.count, into: &output) == RewriteStep(passed: 8, replaced: 0))
        #expect(output == Self.name)
    }

    @Test func textsAtRandom() throws {
        var maker = JSONMaker(random: SplitMix(state: 11))
        for _ in 0..<1500 {
            let text = maker.text()
            let models = try #require(ReferenceParser.models(in: text))
            Self.expect(text, .json, becomes: Self.replacing(models, in: text))
            let named = try #require(ReferenceParser.models(in: text, key: "model_name"))
            Self.expect(text, .json, becomes: Self.replacing(named, in: text), key: .modelName)
        }
    }

    @Test func streamsAtRandom() throws {
        var maker = JSONMaker(random: SplitMix(state: 12))
        for _ in 0..<300 {
            var (stream, expected, lines, expectedLines) = ([UInt8](), [UInt8](), [UInt8](), [UInt8]())
            for _ in 0..<4 {
                let text = maker.text()
                let models = try #require(ReferenceParser.models(in: text))
                let lineEnd = maker.random.pick(["\n", "\r\n", "\r"])
                let prefix = maker.random.pick(["data:", "data: "])
                stream += Self.event(text, lineEnd, prefix)
                expected += Self.event(Self.replacing(models, in: text), lineEnd, prefix)
                lines += text.filter { $0 != 0x0A } + Array(lineEnd.utf8)
                expectedLines += Self.replacing(models, in: text).filter { $0 != 0x0A } + Array(lineEnd.utf8)
            }
            Self.expect(stream, .eventStream, becomes: expected)
            Self.expect(lines, .jsonLines, becomes: expectedLines)
        }
    }

    private static func event(_ text: [UInt8], _ lineEnd: String, _ prefix: String) -> [UInt8] {
        let text = String(decoding: text, as: UTF8.self)
        return Array((prefix + text.replacing("\n", with: lineEnd + prefix) + lineEnd + lineEnd).utf8)
    }

    /// Whatever comes, it does not matter how it is cut, and nothing is lost.
    @Test func anythingMayCome() {
        var random = SplitMix(state: 13)
        let parts = [
            "data: ", "data", "\n", "\r", "\n\n", #"{"model":""#, #""model""#, ":", ",", #"""#, #"\"#, "{", "}", "[", "]", "é",
            "\u{1}",
            #"{"response":"#, "x", "12", #"\u006d"#, #""}"#, " ", "a word or two of text",
        ].map { Array($0.utf8) }
        for round in 0..<3000 {
            let form = [BodyForm.json, .eventStream, .jsonLines][round % 3]
            var bytes: [UInt8] = []
            for _ in 0..<random.below(24) { bytes += random.pick(parts) }
            if random.below(9) == 0 { bytes += [0xC3, 0xFF] }
            let output = Self.rewrite(bytes, step: .max / 2, form: form)
            Self.expect(bytes, form, becomes: output)
            var same = ModelRewriter(replacement: Array("é".utf8), form: form)
            var kept: [UInt8] = []
            var position = 0
            while position < bytes.count {
                var ignored: [UInt8] = []
                let step = same.step(bytes.span, position..<bytes.count, into: &ignored)
                kept += bytes[position..<position + step.count]
                #expect(step.replaced <= ModelRewriter.limit)
                position += step.count
            }
            #expect(kept == bytes)
        }
    }
}
