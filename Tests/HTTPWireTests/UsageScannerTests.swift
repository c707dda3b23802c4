import HTTPWire
import Testing

/// What answers say of the tokens that they used, however their bytes come.
@Suite struct UsageScannerTests {
    struct Case: Sendable, CustomTestStringConvertible {
        var name: String
        var text: String
        var form = BodyForm.json
        var tokens: UInt64?
        var objects: UInt64 = 1
        var testDescription: String { name }
    }

    static let cases = [
        Case(
            name: "chat",
            text:
                #"{"id":"x","choices":[{"message":{"content":"\"usage\":{\"total_tokens\":9}"}}],"usage":{"prompt_tokens":19,"completion_tokens":10,"total_tokens":29,"prompt_tokens_details":{"cached_tokens":7,"total_tokens":1}}}"#,
            tokens: 29),
        Case(name: "without a total", text: #"{"usage":{"prompt_tokens":3,"completion_tokens":4}}"#, tokens: 7),
        Case(
            name: "embeddings", text: #"{"data":[{"embedding":[0.1,-2,3e4]}],"usage":{"prompt_tokens":8,"total_tokens":8}}"#,
            tokens: 8),
        Case(
            name: "long embeddings",
            text: #"{"data":[{"n":"]}","embedding":["#
                + (0..<40).map { "[-0.00\($0)12345,1234567890123456789e-5]" }.joined(separator: ",\n")
                + #"]}],"usage":{"prompt_tokens":8,"total_tokens":8}}"#, tokens: 8),
        Case(
            name: "no JSON", text: String(repeating: "a, 1: b", count: 30) + #"{"usage":{"total_tokens":3}}"#, tokens: 3),
        Case(name: "responses", text: #"{"output":[],"usage":{"input_tokens":36,"output_tokens":87}}"#, tokens: 123),
        Case(name: "spaced", text: "{\n  \"usage\" : {\r\n\n    \"total_tokens\" :\t42\n  }\n}\n", tokens: 42),
        Case(name: "none", text: #"{"error":{"message":"no"}}"#, tokens: nil),
        Case(name: "null", text: #"{"usage":null,"total_tokens":5}"#, tokens: nil),
        Case(
            name: "elsewhere", text: #"{"metadata":{"usage":{"total_tokens":5}},"a":[{"usage":{"total_tokens":6}}]}"#, tokens: nil
        ),
        Case(name: "a string", text: #"{"usage":{"total_tokens":"5"},"x":"usage"}"#, tokens: nil),
        Case(name: "no counts", text: #"{"usage":{"total_tokens":1.5,"prompt_tokens":-3,"completion_tokens":1e3}}"#, tokens: nil),
        Case(name: "escaped key", text: #"{"us\u0061ge":{"total_tokens":5},"\"usage":{"total_tokens":6}}"#, tokens: nil),
        Case(name: "huge", text: #"{"usage":{"total_tokens":99999999999999999999999999}}"#, tokens: 99_999_999_999_999_99),
        Case(name: "long keys", text: #"{"usage_of_the_whole_answer":{"total_tokens":5},"usage":{"total_tokens":6}}"#, tokens: 6),
        Case(name: "last wins", text: #"{"usage":{"total_tokens":5},"usage":{"total_tokens":6}}"#, tokens: 6),
        Case(
            name: "deep",
            text: String(repeating: "[", count: 70) + String(repeating: "]", count: 70) + #"{"usage":{"total_tokens":4}}"#,
            tokens: 4),
        Case(
            name: "stream",
            text: """
                data: {"choices":[{"delta":{"content":"a"}}],"usage":null}

                data: {"choices":[{"delta":{"content":"}}{"}}],"usage":{"prompt_tokens":5,"completion_tokens":1,"total_tokens":6}}

                data: {"choices":[],"usage":{"prompt_tokens":5,"completion_tokens":2,"total_tokens":7}}

                data: [DONE]


                """, form: .eventStream, tokens: 7, objects: 3),
        Case(
            name: "stream of the Responses API, CRLF",
            text:
                "event: response.created\r\ndata: {\"response\":{\"usage\":null}}\r\n\r\nevent: response.completed\r\ndata: {\"type\":\"response.completed\",\"response\":{\"usage\":{\"input_tokens\":4,\"output_tokens\":6,\"total_tokens\":10}}}\r\n\r\n",
            form: .eventStream, tokens: 10, objects: 2),
        Case(
            name: "stream of the Messages API",
            text:
                "event: message_start\ndata: {\"type\":\"message_start\",\"message\":{\"usage\":{\"input_tokens\":25,\"output_tokens\":1}}}\n\ndata: {\"type\":\"message_delta\",\"delta\":{\"stop_reason\":\"end_turn\"},\"usage\":{\"output_tokens\":15}}\n\n",
            form: .eventStream, tokens: 40, objects: 2),
        Case(
            name: "an event over several lines", text: "data: {\"usage\":\r\ndata: {\"total_tokens\":\r\ndata: 3}}\r\n\r\n",
            form: .eventStream,
            tokens: 3, objects: 1),
        Case(
            name: "a broken event is left behind",
            text: "data: {\"a\":{\"b\":[\"never ends\n\ndata: {\"usage\":{\"total_tokens\":3}}\n\n", form: .eventStream,
            tokens: 3,
            objects: 2),
        Case(
            name: "null in every event",
            text: """
                data: {"id":"x","choices":[{"delta":{"content":"usage and user and \\"usage\\": 7"}}],"usage":null}

                data: {"user":"u","usage":null,"choices":[]}

                data: {"usage": null,"prompt_eval":1}

                data: {"usage":null,"usage":{"total_tokens":12}}

                data: {"a":1}

                data: [DONE]


                """, form: .eventStream, tokens: 12, objects: 5),
        Case(
            name: "two texts in an event", text: "data: {\"a\":1}\n\ndata: {\"b\":2}\ndata: {\"usage\":{\"total_tokens\":4}}\n\n",
            form: .eventStream, tokens: 4, objects: 3),
        Case(
            name: "comments", text: ": \"usage\": {\n\n: ping\n\ndata: {\"usage\":{\"total_tokens\":3}}\r\r", form: .eventStream,
            tokens: 3, objects: 2),
        Case(name: "nothing", text: "", tokens: nil, objects: 0),
        Case(
            name: "Ollama", text: #"{"message":{"content":"x"},"done":true,"prompt_eval_count":26,"eval_count":298}"#, tokens: 324
        ),
        Case(
            name: "Ollama's lines",
            text: """
                {"model":"m","message":{"content":"eval_count"},"done":false}
                {"model":"m","response":"x","done":false,"options":{"eval_count":9},"prompt_eval_count":1.5}
                {"done":true,"total_duration":5589157167,"prompt_eval_count":26,"prompt_eval_duration":383,"eval_count":8}

                """, form: .jsonLines, tokens: 34, objects: 3),
        Case(
            name: "a line with nothing of the prompt", text: "{\"a\":[\"never ends\n{\"eval_count\":5}\r\n{}", form: .jsonLines,
            tokens: 5, objects: 3),
        Case(name: "counts in usage", text: #"{"usage":{"eval_count":5},"total_tokens":6}"#, tokens: nil),
    ]

    static func scan(_ pieces: [ArraySlice<UInt8>], _ form: BodyForm) -> UsageScanner {
        var scanner = UsageScanner(form)
        for piece in pieces {
            let bytes = Array(piece)
            scanner.scan(bytes.span, 0..<bytes.count)
        }
        return scanner
    }

    @Test(arguments: cases) func readsTheUsage(_ one: Case) {
        let bytes = Array(one.text.utf8)
        let scanner = Self.scan([bytes[...]], one.form)
        #expect(scanner.tokens == one.tokens)
        #expect(scanner.objects == one.objects)
        #expect(scanner.size == UInt64(bytes.count))
    }

    @Test(arguments: cases) func anyCutReadsTheSame(_ one: Case) {
        let bytes = Array(one.text.utf8)
        for cut in bytes.indices {
            let scanner = Self.scan([bytes[..<cut], bytes[cut...]], one.form)
            #expect(scanner.tokens == one.tokens && scanner.objects == one.objects, "cut at \(cut)")
        }
        let single = Self.scan(bytes.indices.map { bytes[$0...$0] }, one.form)
        #expect(single.tokens == one.tokens && single.objects == one.objects)
    }

    /// Whatever comes, it goes on.
    @Test func anythingMayCome() {
        var state: UInt64 = 7
        let alphabet = Array("{}[]\",:\\0159.e- \r\nusagetotal_tokens\u{e9}".utf8)
        for round in 0..<2000 {
            let bytes = (0..<200).map { _ in
                state = state &* 6_364_136_223_846_793_005 &+ 1
                return alphabet[Int(state >> 33) % alphabet.count]
            }
            let scanner = Self.scan([bytes[..<100], bytes[100...]], [.json, .eventStream, .jsonLines][round % 3])
            #expect(scanner.size == 200)
        }
    }
}

/// How answers share out what they used among prompt and answer.
@Suite struct UsageShareTests {
    @Test(
        arguments: [
            (#"{"usage":{"prompt_tokens":19,"completion_tokens":10,"total_tokens":29}}"#, .json, 19, 10),
            (#"{"usage":{"prompt_tokens":19,"total_tokens":29,"completion_tokens":10}}"#, .json, 19, 10),
            (#"{"usage":{"prompt_tokens":8,"total_tokens":8}}"#, .json, 8, 0),
            (#"{"usage":{"completion_tokens":3,"total_tokens":8}}"#, .json, 5, 3),
            (#"{"usage":{"total_tokens":30}}"#, .json, 20, 10), (#"{"usage":{"total_tokens":7}}"#, .json, 7, 0),
            // What was thought and not shown is in the total alone.
            (#"{"usage":{"prompt_tokens":10,"completion_tokens":5,"total_tokens":40}}"#, .json, 10, 30),
            (#"{"usage":{"prompt_tokens":10,"completion_tokens":5,"total_tokens":2}}"#, .json, 10, 5),
            (
                #"{"usage":{"input_tokens":36,"input_tokens_details":{"cached_tokens":9,"input_tokens":1},"output_tokens":87,"output_tokens_details":{"reasoning_tokens":64,"output_tokens":1},"total_tokens":123}}"#,
                .json, 36, 87
            ),
            (
                #"{"usage":{"prompt_tokens":9,"prompt_tokens_details":{"prompt_tokens":1},"completion_tokens_details":{"reasoning_tokens":2,"completion_tokens":3},"completion_tokens":4}}"#,
                .json, 9, 4
            ),
            (#"{"prompt_eval_count":26,"eval_count":298}"#, .json, 26, 298), (#"{"eval_count":298}"#, .json, 0, 298),
            (
                "data: {\"type\":\"response.completed\",\"response\":{\"usage\":{\"input_tokens\":4,\"output_tokens\":6,\"total_tokens\":10}}}\n\n",
                .eventStream, 4, 6
            ),
            (
                "data: {\"message\":{\"usage\":{\"input_tokens\":25,\"output_tokens\":1}}}\n\ndata: {\"usage\":{\"output_tokens\":15}}\n\n",
                .eventStream, 25, 15
            ),
            (
                "data: {\"usage\":{\"prompt_tokens\":5,\"completion_tokens\":1,\"total_tokens\":6}}\n\ndata: {\"usage\":{\"total_tokens\":30}}\n\n",
                .eventStream, 20, 10
            ),
            (
                "data: {\"usage\":{\"prompt_tokens\":5,\"completion_tokens\":1,\"total_tokens\":6}}\n\ndata: {\"usage\":null}\n\n",
                .eventStream, 5, 1
            ),
        ] as [(String, BodyForm, UInt64, UInt64)])
    func inputAndOutput(text: String, form: BodyForm, input: UInt64, output: UInt64) throws {
        let bytes = Array(text.utf8)
        for cut in bytes.indices {
            let scanner = UsageScannerTests.scan([bytes[..<cut], bytes[cut...]], form)
            let use = try #require(scanner.use(prompt: 20))
            #expect(use.input == input && use.output == output, "cut at \(cut)")
        }
    }

    @Test func nothingIsSaid() {
        #expect(UsageScannerTests.scan([Array(#"{"usage":{}}"#.utf8)[...]], .json).use(prompt: 20) == nil)
    }
}

/// The limit of tokens that a request states.
@Suite struct MaxTokensTests {
    @Test(
        arguments: [
            (#"{"model":"m","max_tokens":64}"#, 64), (#"{"max_completion_tokens":7,"model":"m"}"#, 7),
            (#"{"max_tokens":5,"max_completion_tokens":9}"#, 9), (#"{"max_completion_tokens":9,"max_tokens":5}"#, 9),
            (#"{"max_tokens":0}"#, 0), (#"{"max_tokens":null}"#, nil), (#"{"max_tokens":"64"}"#, nil),
            (#"{"max_tokens":-64}"#, nil),
            (#"{"max_tokens":1.5}"#, nil), (#"{"max_tokens":2e3}"#, nil), (#"{"max_tokens":{"a":5},"b":6}"#, nil),
            (#"{"max_tokens":[5,6]}"#, nil), (#"{"a":{"max_tokens":5}}"#, nil),
            (#"{"max_token":5,"max_tokens2":6,"max_comple":8}"#, nil),
            (#"{"modecompletion_tokens":5,"x":6}"#, nil), (#"{"max\u005ftokens":12}"#, 12), (#"{"max_tokens": 12 ,"x":99}"#, 12),
            (#"{"x":99}"#, nil), ("5", nil),
        ] as [(String, UInt64?)])
    func isReadAtTheTop(text: String, expected: UInt64?) throws {
        let bytes = Array(text.utf8)
        for cut in bytes.indices {
            var scanner = JSONKeyScanner()
            try scanner.scan(bytes.span, 0..<cut)
            try scanner.scan(bytes.span, cut..<bytes.count)
            try scanner.finish()
            #expect(scanner.maxTokens == expected)
        }
    }
}
