import HTTPWire
import Testing

/// What requests say of streaming's usage, and how they are made to ask for it.
@Suite struct StreamOptionsTests {
    private static func scan(_ text: String, step: Int = .max / 2) throws(JSONFault) -> JSONKeyScanner {
        try RequestKeysTests.scan(Array(text.utf8), step: step)
    }

    /// The text after the edit that its options need.
    private static func asking(_ text: String, step: Int) throws -> String {
        let scanner = try scan(text, step: step)
        guard case .edit(let edit) = scanner.streamOptions.need else { return "\(scanner.streamOptions.need)" }
        var edits = BodyEdits(edit)
        var output: [UInt8] = []
        let bytes = Array(text.utf8)
        var position = 0
        while position < bytes.count {
            var inserted: [UInt8] = []
            let result = edits.step(bytes.span, position..<bytes.count, into: &inserted)
            output += bytes[position..<position + result.passed] + inserted
            position += result.count
        }
        #expect(edits.isDone && output.count == Int(edits.length(of: UInt64(bytes.count))))
        return String(decoding: output, as: UTF8.self)
    }

    @Test(arguments: [
        (#"{"stream_options":null,"x":1}"#, #"{"stream_options":{"include_usage":true},"x":1}"#),
        (#"{"stream_options" : {} }"#, #"{"stream_options" : {"include_usage":true} }"#),
        (#"{"stream_options":{ }}"#, #"{"stream_options":{"include_usage":true }}"#),
        (
            #"{"stream_options":{"a":[{"include_usage":true}]}}"#,
            #"{"stream_options":{"include_usage":true,"a":[{"include_usage":true}]}}"#
        ),
        (#"{"stream_options":{"include_usage":false}}"#, #"{"stream_options":{"include_usage":true}}"#),
        (
            #"{"stream_options":{"a":"b","include\u005fusage" : null , "z":{}},"model":"m"}"#,
            #"{"stream_options":{"a":"b","include\u005fusage" : true , "z":{}},"model":"m"}"#
        ),
        (#"{"stream_options":{"include_usage":true}}"#, "nothing"),
        (#"{"x":{"stream_options":{"include_usage":true}}}"#, "unknown"),
        (#"{"stream_option":{"include_usage":true}}"#, "unknown"),
        (#"{"messages":[{"stream_options":{"include_usage":true}}],"prompt":{"stream_options":null}}"#, "unknown"),
        ("[]", "unknown"),
    ]) func oneEditMakesItAsk(text: String, expected: String) throws {
        for step in RequestKeysTests.steps { #expect(try Self.asking(text, step: step) == expected) }
    }

    @Test(
        arguments: [
            (#"{"a":1}"#, 6), (" {} \n", 2), (#"{"a":{}}  "#, 7), (#"{"a":"}"}"#, 8), ("[{}]", nil), ("5", nil), ("\"}\"", nil),
            (#"{"a":1"#, nil),
        ] as [(String, UInt64?)]) func whereTheTextEnds(text: String, brace: UInt64?) throws
    {
        let bytes = Array(text.utf8)
        for cut in bytes.indices {
            var scanner = JSONKeyScanner()
            let buffer = [9] + bytes
            try scanner.scan(buffer.span, 1..<cut + 1)
            try scanner.scan(buffer.span, cut + 1..<buffer.count)
            #expect(scanner.closingBrace == brace, "cut at \(cut)")
        }
    }

    @Test func theValueMayNotBeThereYet() throws {
        let bytes = Array(#"{"stream_options":{"include_usage":fal"#.utf8)
        var scanner = JSONKeyScanner()
        try scanner.scan(bytes.span, 0..<bytes.count)
        #expect(scanner.streamOptions.isPresent && !scanner.streamOptions.isWhole && scanner.streamOptions.need == .unknown)
    }

    @Test func optionsAtRandom() throws {
        var maker = JSONMaker(random: SplitMix(state: 77))
        for _ in 0..<1500 {
            let options = Self.options(&maker)
            let before = (0..<maker.random.below(3)).map { "\"k\($0)\":\(maker.value(depth: 2)),\(maker.space())" }.joined()
            let text =
                "{\(before)\"stream_options\"\(maker.space()):\(maker.space())\(options)\(maker.space()),\"z\":\(maker.value(depth: 2))}"
            let results = RequestKeysTests.steps.map { try? Self.asking(text, step: $0) }
            guard let whole = results.last, let whole else { continue }
            #expect(results.allSatisfy { $0 == whole }, "\(text)")
            guard whole != "nothing" else { continue }
            let again = try Self.scan(whole)
            #expect(again.streamOptions.asksUsage, "\(text) became \(whole)")
            #expect(ReferenceParser.members(of: Array(whole.utf8)) != nil, "\(text) became \(whole)")
        }
    }

    private static func options(_ maker: inout JSONMaker) -> String {
        if maker.random.below(5) == 0 { return "null" }
        var members = (0..<maker.random.below(4)).map { "\"o\($0)\"\(maker.space()):\(maker.value(depth: 2))" }
        if maker.random.below(2) == 0 {
            let value = maker.random.pick(["true", "false", "null"])
            members.insert(
                "\(maker.space())\"include_usage\":\(maker.space())\(value)", at: maker.random.below(members.count + 1))
        }
        return "{\(members.joined(separator: ","))\(maker.space())}"
    }
}

/// Values that the keys don't ask for.
@Suite struct KeyFaultTests {
    @Test(
        arguments: [
            (#""max_tokens":0"#, .maxTokens, .belowMinimum), (#""max_tokens":-5"#, .maxTokens, .belowMinimum),
            (#""max_tokens":-0"#, .maxTokens, .belowMinimum), (#""max_tokens":1.0"#, .maxTokens, .type),
            (#""max_tokens":1e2"#, .maxTokens, .type), (#""max_tokens":0e0"#, .maxTokens, .type),
            (#""max_tokens":"64""#, .maxTokens, .type), (#""max_tokens":true"#, .maxTokens, .type),
            (#""max_tokens":[1]"#, .maxTokens, .type), (#""max_tokens":{"max_tokens":1}"#, .maxTokens, .type),
            (#""max_completion_tokens":false"#, .maxCompletionTokens, .type),
            (#""max_completion_tokens":0"#, .maxCompletionTokens, .belowMinimum),
            (#""max_output_tokens":0.5"#, .maxOutputTokens, .type), (#""max_output_tokens":0"#, .maxOutputTokens, .belowMinimum),
            (#""m\u0061x_tokens":0"#, .maxTokens, .belowMinimum),
            (#""stream":1"#, .stream, .type), (#""stream":"true""#, .stream, .type), (#""stream":{}"#, .stream, .type),
            (#""stream_options":true"#, .streamOptions, .type), (#""stream_options":[]"#, .streamOptions, .type),
            (#""stream_options":"x""#, .streamOptions, .type), (#""stream_options":17"#, .streamOptions, .type),
            (#""stream_options":{"include_usage":1}"#, .includeUsage, .type),
            (#""stream_options":{"include_usage":"true"}"#, .includeUsage, .type),
            (#""stream_options":{"include_usage":[true]}"#, .includeUsage, .type),
            (#""stream_options":{"include_usage":true,"include_usage":false}"#, .includeUsage, .repeated),
            (#""stream_options":{},"stream_options":null"#, .streamOptions, .repeated),
            (#""user":5"#, .user, .type), (#""user":["x"]"#, .user, .type), (#""priority":"high""#, .priority, .type),
            (#""priority":1.5"#, .priority, .type), (#""n":0"#, .n, .belowMinimum), (#""n":-1"#, .n, .belowMinimum),
            (#""n":129"#, .n, .aboveMaximum), (#""n":99999999999999999999999999"#, .n, .aboveMaximum), (#""n":"1""#, .n, .type),
            (#""user":1,"n":0"#, .user, .type),
        ] as [(String, KeyFault.Key, KeyFault.Problem)])
    func isNoted(members: String, key: KeyFault.Key, problem: KeyFault.Problem) throws {
        for text in ["{\(members)}", "{\"a\":[1,{}],\(members) ,\"messages\":[],\"model\":\"m\"}"] {
            for step in RequestKeysTests.steps {
                let scanner = try RequestKeysTests.scan(Array(text.utf8), step: step)
                #expect(scanner.keyFault == KeyFault(key: key, problem: problem), "\(text) in pieces of \(step)")
            }
        }
    }

    @Test(arguments: [
        #""max_tokens":1"#, #""max_tokens":null"#, #""max_tokens":99999999999999999999999999999999"#, #""max_output_tokens":7"#,
        #""stream":null"#, #""stream":false"#, #""stream_options":null"#,
        #""stream_options":{"include_usage":null,"x":[1,"include_usage"]}"#,
        #""user":null"#, #""user":"""#, #""priority":-3"#, #""priority":null"#, #""n":1"#, #""n":128"#, #""n":null"#,
        #""x":{"max_tokens":0,"stream":5,"n":0,"user":1,"stream_options":3}"#, #""max_token":"x","strea":1"#, #""N":0"#,
        #""stream_options":{"x":{"include_usage":5}}"#,
    ]) func isNone(members: String) throws {
        for step in RequestKeysTests.steps {
            let scanner = try RequestKeysTests.scan(Array("{\(members),\"model\":\"m\"}".utf8), step: step, promptBytes: 64)
            #expect(scanner.keyFault == nil && scanner.foundModel)
        }
    }

    @Test func howManyAnswers() throws {
        for (text, answers) in [("{}", nil), (#"{"n":3}"#, 3), (#"{"n":0}"#, nil), (#"{"n":129}"#, nil), (#"{"n":2.0}"#, nil)]
            as [(String, UInt64?)]
        {
            #expect(try RequestKeysTests.scan(Array(text.utf8)).answers == answers)
        }
    }

    @Test func everyFaultSaysItsKey() {
        for key in (UInt8(0)...8).compactMap(KeyFault.Key.init) {
            for problem in [KeyFault.Problem.type, .belowMinimum, .aboveMaximum, .repeated] {
                let fault = KeyFault(key: key, problem: problem)
                #expect(fault.message.contains("'\(fault.param)'"))
            }
        }
    }

    /// Nesting in the options is bounded as elsewhere, and faults in them end the reading.
    @Test func hostileOptions() throws {
        let deep = "{\"stream_options\":" + String(repeating: "[", count: 600)
        #expect(throws: JSONFault.tooDeep) { try RequestKeysTests.scan(Array(deep.utf8)) }
        #expect(throws: JSONFault.invalidUTF8) {
            try RequestKeysTests.scan(Array("{\"stream_options\":{\"a".utf8) + [0xC0, 0xAF] + Array("\":1}}".utf8))
        }
        #expect(throws: JSONFault.syntax) { try RequestKeysTests.scan(Array(#"{"stream_options":{"include_usage":tru}}"#.utf8)) }
        #expect(throws: JSONFault.truncated) {
            try RequestKeysTests.scan(Array(#"{"stream_options":{"include_usage":true}"#.utf8))
        }
    }
}
