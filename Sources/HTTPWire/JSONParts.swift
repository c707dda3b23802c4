/// The arrays and objects that a JSON position stands in: one bit for each level, set for an object.
struct Nesting {
    private(set) var depth = 0
    private var levels = InlineArray<8, UInt64>(repeating: 0)

    /// The innermost level is an object.
    var isObject: Bool { depth > 0 && levels[(depth - 1) / 64] >> UInt64((depth - 1) % 64) & 1 != 0 }

    /// False when that would be deeper than the limit.
    mutating func push(object: Bool) -> Bool {
        guard depth < JSONKeyScanner.depthLimit else { return false }
        let bit = UInt64(1) << UInt64(depth % 64)
        if object { levels[depth / 64] |= bit } else { levels[depth / 64] &= ~bit }
        depth += 1
        return true
    }

    /// False when the innermost level is not of that kind.
    mutating func pop(object: Bool) -> Bool {
        guard depth > 0, isObject == object else { return false }
        depth -= 1
        return true
    }
}

/// A key of the outermost object, kept as far as it can be one that is looked for.
struct TopKeyMatch {
    enum Match {
        case model, stream, user, prompt, options, other
        case number(KeyFault.Key)
    }

    private static let limit = 21

    private var bytes = InlineArray<21, UInt8>(repeating: 0)
    private var count = 0

    var match: Match {
        switch count {
        case 5 where equals("model"): .model
        case 4 where equals("user"): .user
        case 6 where equals("stream"): .stream
        case 5 where equals("input"), 6 where equals("prompt"), 8 where equals("messages"): .prompt
        case 10 where equals("max_tokens"): .number(.maxTokens)
        case 21 where equals("max_completion_tokens"): .number(.maxCompletionTokens)
        case 17 where equals("max_output_tokens"): .number(.maxOutputTokens)
        case 14 where equals("stream_options"): .options
        case 8 where equals("priority"): .number(.priority)
        case 1 where equals("n"): .number(.n)
        default: .other
        }
    }

    @inline(__always) mutating func take(_ byte: UInt8) {
        if count < Self.limit { bytes[count] = byte }
        count &+= 1
    }

    /// Takes the bytes of `range`, which most often are the whole key.
    @inline(__always) mutating func take(_ text: Span<UInt8>, _ range: Range<Int>) {
        guard range.count <= Self.limit - count else { return fail() }
        for index in range {
            bytes[count] = text[index]
            count &+= 1
        }
    }

    mutating func fail() { count = Self.limit + 1 }

    /// Makes ready for the next key.
    mutating func clear() { count = 0 }

    func equals(_ text: StaticString) -> Bool { bytes.span.equals(0..<count, text) }
}

/// A number of digits that come one by one; it stops growing rather than overflow.
struct Natural {
    private(set) var value: UInt64 = 0

    init() {}

    init(digit: UInt8) { value = UInt64(digit & 0xF) }

    mutating func append(digit: UInt8) {
        guard value < 1 << 53 else { return }
        value = value * 10 + UInt64(digit & 0xF)
    }
}

/// Follows one of the literals true, false and null.
struct LiteralMatch {
    private var word: StaticString = "null"
    private var matched = 0

    /// What the literal says; nil: null.
    var isTrue: Bool? {
        switch word.utf8CodeUnitCount {
        case 5: false
        case 4 where word.withUTF8Buffer({ $0[0] == 0x74 }): true
        default: nil
        }
    }

    mutating func begin(_ byte: UInt8) -> Bool {
        matched = 1
        switch byte {
        case 0x74: word = "true"
        case 0x66: word = "false"
        case 0x6E: word = "null"
        default: return false
        }
        return true
    }

    /// Whether the literal is whole now; nil when the byte does not belong to it.
    mutating func take(_ byte: UInt8) -> Bool? {
        guard word.withUTF8Buffer({ $0[matched] == byte }) else { return nil }
        matched += 1
        return matched == word.utf8CodeUnitCount
    }
}

/// Gathers the four digits of \uXXXX, and two of them for a character beyond the basic plane.
struct EscapedUnit {
    enum Result {
        /// The first half of a surrogate pair.
        case half
        /// A surrogate without its partner: legal JSON, but no character.
        case lone
        case scalar(Unicode.Scalar)
    }

    private var high: UInt16 = 0
    private var value: UInt16 = 0
    private var digits = 0

    var isHalf: Bool { high != 0 }

    mutating func take(_ digit: UInt8) -> Result? {
        value = value << 4 | UInt16(digit)
        digits += 1
        guard digits == 4 else { return nil }
        defer { digits = 0 }
        let wasHigh = high
        high = 0
        if UTF16.isTrailSurrogate(value) {
            guard wasHigh != 0 else { return .lone }
            let offset = UInt32(wasHigh - 0xD800) << 10 | UInt32(value - 0xDC00)
            return Unicode.Scalar(0x10000 + offset).map(Result.scalar) ?? .lone
        }
        guard wasHigh == 0 else { return .lone }
        if UTF16.isLeadSurrogate(value) {
            high = value
            return .half
        }
        return Unicode.Scalar(value).map(Result.scalar) ?? .lone
    }
}

/// Checks UTF-8 (RFC 3629) byte by byte: no overlong forms, no surrogates, nothing above U+10FFFF.
struct UTF8Validator {
    private var remaining = 0
    private var low: UInt8 = 0x80
    private var high: UInt8 = 0xBF

    var isComplete: Bool { remaining == 0 }

    mutating func take(_ byte: UInt8) -> Bool {
        guard remaining > 0 else { return begin(byte) }
        guard byte >= low, byte <= high else { return false }
        remaining -= 1
        low = 0x80
        high = 0xBF
        return true
    }

    private mutating func begin(_ byte: UInt8) -> Bool {
        switch byte {
        case 0..<0x80: return true
        case 0xC2...0xDF: remaining = 1
        case 0xE0...0xEF:
            remaining = 2
            if byte == 0xE0 { low = 0xA0 }
            if byte == 0xED { high = 0x9F }
        case 0xF0...0xF4:
            remaining = 3
            if byte == 0xF0 { low = 0x90 }
            if byte == 0xF4 { high = 0x8F }
        default: return false
        }
        return true
    }
}

/// A model's name: up to 256 bytes, without a heap allocation.
package struct CapturedName: Sendable {
    package static let limit = 256

    private var storage = InlineArray<256, UInt8>(repeating: 0)
    package private(set) var count = 0

    package init() {}

    package var isEmpty: Bool { count == 0 }

    /// False when it is full.
    package mutating func append(_ byte: UInt8) -> Bool {
        guard count < Self.limit else { return false }
        storage[count] = byte
        count += 1
        return true
    }

    /// Adds the bytes of `range`. False when there is no room for them.
    mutating func append(_ bytes: Span<UInt8>, _ range: Range<Int>) -> Bool {
        guard range.count <= Self.limit - count else { return false }
        for index in range {
            storage[count] = bytes[index]
            count += 1
        }
        return true
    }

    /// The bytes of the name, for as long as `body` runs.
    package func withBytes<Result>(_ body: (Span<UInt8>) -> Result) -> Result {
        body(storage.span.extracting(first: count))
    }

    package var text: String { withBytes { span in String(decoding: (0..<span.count).map { span[$0] }, as: UTF8.self) } }
}
