import HTTPWire

/// Numbers that look random and are the same in every run.
struct SplitMix {
    var state: UInt64

    mutating func below(_ bound: Int) -> Int {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = (state ^ state >> 30) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ mixed >> 27) &* 0x94D0_49BB_1331_11EB
        return Int((mixed ^ mixed >> 31) % UInt64(bound))
    }

    mutating func pick<Element>(_ elements: [Element]) -> Element { elements[below(elements.count)] }
}

/// Reads a whole JSON text with no regard to speed, and says where the strings are that a rewriter replaces.
struct ReferenceParser {
    private struct Fault: Error {}

    private let bytes: [UInt8]
    private let key: String
    private var index = 0
    private var found: [Range<Int>] = []
    private var members: [Member] = []

    /// One of the text's own keys, and where its value stands.
    struct Member {
        var key: String
        var value: Range<Int>
        /// What the value says, if it is a string.
        var text: String?
    }

    private init(_ bytes: [UInt8], _ key: String) {
        self.bytes = bytes
        self.key = key
    }

    /// Ranges of the strings without their quotes; nil: the bytes are no JSON text.
    static func models(in bytes: [UInt8], key: String = "model") -> [Range<Int>]? {
        var parser = ReferenceParser(bytes, key)
        do {
            try parser.value(path: [])
            parser.space()
            return parser.index == bytes.count ? parser.found.filter { $0.count <= ModelRewriter.limit } : nil
        } catch {
            return nil
        }
    }

    static func members(of bytes: [UInt8]) -> [Member]? {
        var parser = ReferenceParser(bytes, "model")
        do {
            try parser.value(path: [])
            return parser.members
        } catch {
            return nil
        }
    }

    private var next: UInt8? { index < bytes.count ? bytes[index] : nil }

    private mutating func space() {
        while let byte = next, [0x20, 0x09, 0x0A, 0x0D].contains(byte) { index += 1 }
    }

    private mutating func expect(_ byte: UInt8) throws {
        guard next == byte else { throw Fault() }
        index += 1
    }

    private mutating func value(path: [String]) throws {
        space()
        switch next {
        case UInt8(ascii: "{"): try object(path: path)
        case UInt8(ascii: "["): try array(path: path)
        case UInt8(ascii: "\""):
            let range = try string().range
            let isNested = key == "model" && path.count == 2 && ["response", "message"].contains(path[0])
            if path == [key] || (isNested && path[1] == key) { found.append(range) }
        default:
            let start = index
            while let byte = next, ![0x20, 0x09, 0x0A, 0x0D, 0x2C, 0x5D, 0x7D].contains(byte) { index += 1 }
            let word = String(decoding: bytes[start..<index], as: UTF8.self)
            guard ["true", "false", "null"].contains(word) || Double(word) != nil else { throw Fault() }
        }
    }

    private mutating func object(path: [String]) throws {
        index += 1
        space()
        guard next != UInt8(ascii: "}") else { return index += 1 }
        while true {
            space()
            let name = try string().text
            space()
            try expect(UInt8(ascii: ":"))
            space()
            let start = index
            try value(path: path + [name])
            if path.isEmpty { note(name, start..<index) }
            space()
            if next == UInt8(ascii: "}") { return index += 1 }
            try expect(UInt8(ascii: ","))
        }
    }

    private mutating func note(_ key: String, _ value: Range<Int>) {
        var inner = ReferenceParser(Array(bytes[value]), "model")
        members.append(Member(key: key, value: value, text: try? inner.string().text))
    }

    private mutating func array(path: [String]) throws {
        index += 1
        space()
        guard next != UInt8(ascii: "]") else { return index += 1 }
        while true {
            try value(path: path + ["[]"])
            space()
            if next == UInt8(ascii: "]") { return index += 1 }
            try expect(UInt8(ascii: ","))
        }
    }

    private mutating func string() throws -> (text: String, range: Range<Int>) {
        try expect(UInt8(ascii: "\""))
        let start = index
        var text: [UInt8] = []
        while let byte = next, byte != UInt8(ascii: "\"") {
            guard byte >= 0x20 else { throw Fault() }
            index += 1
            text += byte == 0x5C ? try escape() : [byte]
        }
        try expect(UInt8(ascii: "\""))
        return (String(decoding: text, as: UTF8.self), start..<index - 1)
    }

    private mutating func escape() throws -> [UInt8] {
        guard let byte = next else { throw Fault() }
        index += 1
        let plain: [UInt8: UInt8] = [0x62: 0x08, 0x66: 0x0C, 0x6E: 0x0A, 0x72: 0x0D, 0x74: 0x09]
        guard byte == UInt8(ascii: "u") else { return [plain[byte] ?? byte] }
        var units = [try unit()]
        if UTF16.isLeadSurrogate(units[0]), bytes[index...].starts(with: Array(#"\u"#.utf8)) {
            index += 2
            units.append(try unit())
        }
        return Array(String(decoding: units, as: UTF16.self).utf8)
    }

    private mutating func unit() throws -> UInt16 {
        let digits = String(decoding: bytes[index..<min(index + 4, bytes.count)], as: UTF8.self)
        guard digits.count == 4, let unit = UInt16(digits, radix: 16) else { throw Fault() }
        index += 4
        return unit
    }
}

/// Makes JSON texts at random, with keys that matter and those that look like it, at any depth.
struct JSONMaker {
    var random: SplitMix

    private static let keys = [
        "model", #"\u006dodel"#, #"mod\u0065l"#, "models", "mode", "model_name", #"model\u005fname"#, "response",
        "message", "messages", "Model", "", "é", #"model\ud83d"#, #"\"model"#, "id", "choices",
    ]
    private static let parts = [
        "meta/llama-70b", "plain words that go on for more than a block of sixteen", #"\""#, #"\\"#, #"\n"#, #"\u00e9"#,
        #"\ud83d\ude00"#, "é", "漢字", "😀", "}{][", ",:", #"\"model\":\"x\""#, " ",
    ]

    mutating func text() -> [UInt8] { Array(object(depth: 0).utf8) }

    mutating func space() -> String { random.below(6) == 0 ? random.pick([" ", "\n", "\t", " \n "]) : "" }

    private mutating func object(depth: Int) -> String {
        let members = (0..<random.below(depth == 0 ? 7 : 4)).map { _ in
            let key = "\"\(random.pick(Self.keys))\""
            return "\(space())\(key)\(space()):\(space())\(value(depth: depth + 1))\(space())"
        }
        return "{\(members.joined(separator: ","))}"
    }

    mutating func value(depth: Int) -> String {
        switch random.below(depth > 4 ? 6 : 9) {
        case 0: return random.pick(["null", "true", "false"])
        case 1: return random.pick(["0", "-1.5e3", "17000000000", "0.00125"])
        case 2, 3, 4: return string()
        case 5: return random.pick(["[]", "{}", #""""#])
        case 6: return "[\((0..<random.below(4)).map { _ in value(depth: depth + 1) }.joined(separator: ","))]"
        default: return object(depth: depth)
        }
    }

    private mutating func string() -> String {
        if random.below(25) == 0 { return "\"\(String(repeating: "n", count: 1020 + random.below(8)))\"" }
        return "\"\((0..<random.below(5)).map { _ in random.pick(Self.parts) }.joined())\""
    }
}
