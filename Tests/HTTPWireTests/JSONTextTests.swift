import HTTPWire
import Testing

/// The inside of strings, which is gone through in blocks, is judged as it is byte by byte.
struct JSONTextTests {
    /// The model found, or why the text is none; fed in pieces of `step`.
    private static func read(_ bytes: [UInt8], step: Int) -> Result<String?, JSONFault> {
        var scanner = JSONKeyScanner()
        do throws(JSONFault) {
            var position = 0
            while position < bytes.count {
                let next = min(position + step, bytes.count)
                try scanner.scan(bytes.span, position..<next)
                position = next
            }
            try scanner.finish()
            return .success(scanner.foundModel ? scanner.model.text : nil)
        } catch {
            return .failure(error)
        }
    }

    private static func compare(
        _ bytes: [UInt8], steps: [Int] = [7, 64, .max / 2], at location: SourceLocation = #_sourceLocation
    ) {
        let singly = read(bytes, step: 1)
        for step in steps where read(bytes, step: step) != singly {
            Issue.record("\(bytes) in pieces of \(step)", sourceLocation: location)
        }
    }

    private static func inString(_ bytes: [UInt8]) -> [UInt8] {
        Array(#"{"a":""#.utf8) + bytes + Array(#"and so on, for some more","model":"m"}"#.utf8)
    }

    @Test func everyLeadWithEverySecondByte() {
        for lead in UInt8(0x7F)...0xFF {
            for second in UInt8.min ... .max {
                for rest in [[], [0x80], [0xBF, 0x80], [0x80, 0xC0], [0x22], [0xFF]] as [[UInt8]] {
                    Self.compare(Self.inString([lead, second] + rest), steps: [.max / 2])
                }
            }
        }
    }

    @Test func wellFormedTextIsAccepted() throws {
        for scalar in [0x80, 0x7FF, 0x800, 0xFFF, 0x1000, 0xD7FF, 0xE000, 0xFFFF, 0x10000, 0x3FFFF, 0x40000, 0x10FFFF] as [UInt32]
        {
            let text = Array(String(Character(try #require(Unicode.Scalar(scalar)))).utf8)
            #expect(Self.read(Self.inString(text + text), step: .max / 2) == .success("m"))
        }
    }

    @Test func everyEscape() {
        for byte in UInt8.min ... .max {
            Self.compare(Self.inString([0x5C, byte]), steps: [.max / 2])
            Self.compare(Self.inString(Array(#"\u00"#.utf8) + [byte, 0x61]), steps: [.max / 2])
        }
        for text in [#"\ud83d\ude00"#, #"\ud83dx"#, #"\ude00"#, #"\ud83d\n"#, #"\u12"#, #"\u12G4"#, #"\\\"\/\b\f\n\r\t"#] {
            Self.compare(Self.inString(Array(text.utf8)))
            Self.compare(Array(#"{"model":"\#(text) and more of it","x":1}"#.utf8))
            Self.compare(Array(#"{"\#(text) and more of it":1,"model":"m"}"#.utf8))
        }
    }

    @Test func keysAndNamesInPieces() {
        for key in ["model", "mode", "models", #"mod\u0065l"#, #"mo\del"#, "", "Model", "modelmodel", #"model\ud83d"#] {
            for name in ["m", String(repeating: "n", count: 256), String(repeating: "n", count: 257), "", "é", #"a\ud83d\ude00"#]
            {
                let value = #""\#(name)""#
                Self.compare(
                    Array(#"{"a":[1.5e3,null],"\#(key)":\#(value),"b":{"model":"x"}}"#.utf8), steps: [2, 3, 5, 16, .max / 2])
            }
        }
    }

    @Test func mixturesOfEverything() {
        var random = SplitMix(state: 42)
        let parts: [[UInt8]] = [
            Array("plain text that goes on for more than one block of sixteen bytes, and then for more than one of 64".utf8),
            Array("words ".utf8), Array(#"\n"#.utf8), Array(#"\u00e9"#.utf8), Array(#"\ud83d"#.utf8), Array("é".utf8),
            Array("漢字".utf8),
            Array("😀".utf8), Array(#"",""#.utf8), Array(#"":""#.utf8), [0x1F], [0xC0, 0x80], [0xED, 0xA0, 0x80], [0x5C], [0x22],
            [0x80],
        ]
        for _ in 0..<4_000 {
            var text = Array(#"{"a":""#.utf8)
            // The last ones are faults, and rare, or nothing would be reached behind them.
            for _ in 0..<random.below(12) { text += parts[random.below(random.below(8) == 0 ? parts.count : parts.count - 6)] }
            Self.compare(text + Array(#"","model":"m"}"#.utf8))
        }
    }

    /// A name escaped is read as it was.
    @Test func escapedNamesAreReadBack() throws {
        for text in ["m", #"a"b\c/"#, "é漢😀", String((0..<0x30).compactMap(Unicode.Scalar.init).map(Character.init))] {
            var json = Array(#"{"model":""#.utf8)
            JSONEscape.append(Array(text.utf8).span, to: &json)
            json += Array(#""}"#.utf8)
            #expect(Self.read(json, step: .max / 2) == .success(text))
        }
    }
}
