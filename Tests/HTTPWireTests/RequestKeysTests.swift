import HTTPWire
import Testing

/// What routing goes by in a request's body.
@Suite struct RequestKeysTests {
    static func scan(_ bytes: [UInt8], step: Int = .max / 2, promptBytes: Int = 0) throws(JSONFault) -> JSONKeyScanner {
        var scanner = JSONKeyScanner(promptBytes: promptBytes)
        // Not at the start of its buffer, as a body is behind its head.
        let buffer = [0, 0, 0] + bytes
        var position = 3
        while position < buffer.count {
            let end = min(position + step, buffer.count)
            try scanner.scan(buffer.span, position..<end)
            position = end
        }
        try scanner.finish()
        return scanner
    }

    static func hash(_ text: String) -> UInt64 { hash(Array(text.utf8)) }

    static func hash(_ bytes: [UInt8]) -> UInt64 {
        var hash = TextHash()
        for byte in bytes { hash.append(byte) }
        return hash.value
    }

    static let steps = [1, 2, 3, 7, .max / 2]

    @Test(arguments: [
        (#"{"model":"m"}"#, "m"), (#" { "a" : "model" , "model" : "llama" , "x" : 1 }"#, "llama"),
        (#"{"a":{"model":"x"},"\u006dodel":"a\"b\u00e9é","messages":[]}"#, #"a\"b\u00e9é"#),
        (#"{"model":"\u0041"}"#, #"\u0041"#), (#"{"model":"a\ud83d\ude00"}"#, #"a\ud83d\ude00"#),
    ]) func whereTheNameStands(text: String, name: String) throws {
        let bytes = Array(text.utf8)
        for step in Self.steps {
            let range = try #require(try Self.scan(bytes, step: step).modelRange)
            let token = bytes[Int(range.lowerBound)..<Int(range.upperBound)]
            #expect(Array(token) == Array(name.utf8))
            #expect(bytes[Int(range.lowerBound) - 1] == 0x22 && bytes[Int(range.upperBound)] == 0x22)
        }
    }

    @Test func nowhere() throws {
        #expect(try Self.scan(Array(#"{"a":{"model":"x"}}"#.utf8)).modelRange == nil)
        var scanner = JSONKeyScanner()
        let bytes = Array(#"{"model":"ab"#.utf8)
        try scanner.scan(bytes.span, 0..<bytes.count)
        #expect(scanner.modelRange == nil)
    }

    @Test(
        arguments: [
            (#"{"stream":true}"#, true), (#"{"stream":false}"#, false), (#"{"a":true}"#, nil), (#"{"stream":null}"#, nil),
            (#"{"stream":"true"}"#, nil), (#"{"stream":1,"x":true}"#, nil), (#"{"stream":[true],"x":true}"#, nil),
            (#"{"stream":{"stream":true}}"#, nil), (#"{"x":{"stream":true}}"#, nil), (#"{"stream":false,"stream":true}"#, true),
            (#"{"stream":true,"stream":null}"#, nil), (#"{"\u0073tream":true}"#, true), (#"{"stream" : true }"#, true),
            (#"{"streams":true,"strea":true}"#, nil), ("true", nil),
        ] as [(String, Bool?)]) func whetherItStreams(text: String, expected: Bool?) throws
    {
        for step in Self.steps { #expect(try Self.scan(Array(text.utf8), step: step).stream == expected) }
    }

    @Test(
        arguments: [
            (#"{"user":"alice"}"#, "alice"), (#"{"user":"a\u006cice"}"#, "alice"), (#"{"user":"\ud83d\ude00é\n"}"#, "😀é\n"),
            (#"{"x":1,"user":"bob and more of his name than eight bytes"}"#, "bob and more of his name than eight bytes"),
            (#"{"user":"alice","user":"bob"}"#, "bob"), (#"{"user":"alice","user":null}"#, nil), (#"{"user":5,"x":"bob"}"#, nil),
            (#"{"user":""}"#, nil), (#"{"user":{"user":"x"},"y":"z"}"#, nil), (#"{"x":{"user":"x"}}"#, nil),
            (#"{"user":["bob"]}"#, nil), (#"{"users":"bob"}"#, nil), (#"{"user":"bob","messages":["x"]}"#, "bob"),
            (#"{"messages":["x"],"user":"bob","prompt":"y"}"#, "bob"),
        ] as [(String, String?)]) func whoseItIs(text: String, user: String?) throws
    {
        for step in Self.steps {
            for promptBytes in [0, 2, 100] {
                let scanner = try Self.scan(Array(text.utf8), step: step, promptBytes: promptBytes)
                #expect(scanner.user == user.map(Self.hash) ?? 0)
            }
        }
    }

    @Test(
        arguments: [
            (#"{"messages":[{"role":"user","content":"hello"}],"x":1}"#, #"[{"role":"user","content":"hello"}]"#),
            (#"{"prompt" : "a\u00e9\"é" ,"x":1}"#, #""a\u00e9\"é""#), (#"{"input":["a",[1,2]]}"#, #"["a",[1,2]]"#),
            (#"{"input":{"messages":[5]}}"#, #"{"messages":[5]}"#), (#"{"prompt":"first","messages":["x"]}"#, #""first""#),
            (#"{"prompt":5,"input":"x"}"#, #""x""#), (#"{"prompt":null}"#, nil), (#"{"x":{"prompt":"y"}}"#, nil),
            (#"{"prompts":"y"}"#, nil), (#"{"prompt":"","x":["y"]}"#, #""""#), (#"{"prompt":-1}"#, nil),
            (#"{"model":"m","messages":[-1,5,null,"\ud83d"],"stream":true,"user":"u"}"#, #"[-1,5,null,"\ud83d"]"#),
        ] as [(String, String?)]) func howThePromptBegins(text: String, value: String?) throws
    {
        for step in Self.steps {
            for count in [1, 2, 5, 16, 1000] {
                let scanner = try Self.scan(Array(text.utf8), step: step, promptBytes: count)
                let head = value.map { Array(Array($0.utf8).prefix(count)) }
                #expect(scanner.prompt == head.map(Self.hash) ?? 0, "\(count) bytes in pieces of \(step)")
            }
            #expect(try Self.scan(Array(text.utf8), step: step).prompt == 0)
        }
    }

    /// The last of a prompt's bytes may be anything, but not another prompt.
    @Test func promptsThatDiffer() throws {
        let text = String(repeating: "the same words again and again ", count: 40)
        var hashes: Set<UInt64> = []
        for count in 0..<200 {
            hashes.insert(try Self.scan(Array(#"{"prompt":"\#(text.prefix(count))"}"#.utf8), promptBytes: 1024).prompt)
        }
        #expect(hashes.count == 200)
        let long = try ["a", "b"].map { try Self.scan(Array(#"{"prompt":"\#(text)\#($0)"}"#.utf8), promptBytes: 1024).prompt }
        #expect(long[0] == long[1])
    }

    @Test func requestsAtRandom() throws {
        var maker = JSONMaker(random: SplitMix(state: 21))
        for _ in 0..<2000 {
            let bytes = Array(Self.request(&maker).utf8)
            let members = try #require(ReferenceParser.members(of: bytes))
            let promptBytes = maker.random.pick([0, 1, 9, 64, 1024])
            for step in Self.steps {
                let scanner: JSONKeyScanner
                do {
                    scanner = try Self.scan(bytes, step: step, promptBytes: promptBytes)
                } catch {
                    // Some strings have characters that a name must not have, and so has a name too long.
                    #expect(error == .modelLength || error == .invalidEscape)
                    continue
                }
                Self.compare(scanner, members, bytes, promptBytes)
            }
        }
    }

    private static func compare(
        _ scanner: JSONKeyScanner, _ members: [ReferenceParser.Member], _ bytes: [UInt8], _ promptBytes: Int
    ) {
        let text = String(decoding: bytes, as: UTF8.self)
        let model = members.first { $0.key == "model" }.map { UInt64($0.value.lowerBound + 1)..<UInt64($0.value.upperBound - 1) }
        #expect(scanner.modelRange == model, "\(text)")
        let stream = members.last { $0.key == "stream" }.map { String(decoding: bytes[$0.value], as: UTF8.self) }
        #expect(scanner.stream == stream.flatMap(Bool.init), "\(text)")
        let user = members.last { $0.key == "user" }?.text ?? ""
        #expect(scanner.user == (user.isEmpty ? 0 : hash(user)), "\(text)")
        let prompts = members.filter { ["messages", "prompt", "input"].contains($0.key) }
        let prompt = prompts.first { [0x22, 0x5B, 0x7B].contains(bytes[$0.value.lowerBound]) }
        let head = prompt.map { Array(bytes[$0.value].prefix(promptBytes)) }
        #expect(scanner.prompt == (promptBytes == 0 ? 0 : head.map(hash) ?? 0), "\(promptBytes) of \(text)")
    }

    private static func request(_ maker: inout JSONMaker) -> String {
        let keys = ["stream", "user", "prompt", "input", "messages", #"us\u0065r"#, "max_tokens", "temperature", "response"]
        var members = (0..<maker.random.below(8)).map { _ in "\"\(maker.random.pick(keys))\"" }
        if maker.random.below(3) > 0 {
            let place = maker.random.below(members.count + 1)
            members.insert(maker.random.pick([#""model""#, #""m\u006Fdel""#]), at: place)
        }
        let texts = members.map { key in
            let isModel = key.contains("del")
            let value = isModel ? #""meta\/\#(maker.random.below(900))é\u00e9""# : maker.value(depth: 1)
            return "\(maker.space())\(key)\(maker.space()):\(maker.space())\(value)\(maker.space())"
        }
        return "{\(texts.joined(separator: ","))}"
    }
}
