internal import Glibc

/// A POSIX extended regular expression, found anywhere in a text. Bytes are characters: text that is no UTF-8 is text as well.
final class RequestPattern {
    /// Bytes of a text that is looked at. Longer ones count as found: a rule that refuses is not to be evaded by length.
    static let textLimit = 8 << 10
    /// Bytes of text after which the expression is compiled anew. The C library keeps every state that a text ever led to,
    /// and a text can be made to lead to a new one with each byte.
    private static let renewalLimit = 64 << 10

    private let source: String
    private var compiled: regex_t
    private var consumed = 0
    private var plain: [UInt8] = []

    init(_ source: String) throws(FirewallFault) {
        self.source = source
        if let reason = PatternCheck.fault(of: source) { throw FirewallFault(pattern: source, reason: reason) }
        // By itself, for what is wrong with it: inside another it may be no fault to have a parenthesis too many.
        var alone = try Self.compile(source)
        regfree(&alone)
        compiled = try Self.compile(Self.anchored(source))
    }

    /// One that begins where the text does, for the C library tries the others at every byte, which takes a time that grows
    /// with the square of the length.
    private static func anchored(_ source: String) -> String { "^.*(\(source))" }

    deinit { regfree(&compiled) }

    private static func compile(_ source: String) throws(FirewallFault) -> regex_t {
        var compiled = regex_t()
        let code = regcomp(&compiled, source, REG_EXTENDED | regexNoMatches)
        guard code == 0 else { throw FirewallFault(pattern: source, reason: "is no regular expression: \(Self.message(code))") }
        return compiled
    }

    private static func message(_ code: Int32) -> String {
        withUnsafeTemporaryAllocation(of: CChar.self, capacity: 128) { text in
            text.initialize(repeating: 0)
            _ = regerror(code, nil, text.baseAddress, text.count)
            return text.baseAddress.map { String(cString: $0) } ?? ""
        }
    }

    func isFound(in text: Span<UInt8>) -> Bool {
        guard text.count <= Self.textLimit else { return true }
        renew(for: text.count)
        // A dot does not match NUL (glibc's RE_DOT_NOT_NULL), so that one would hide what comes behind it.
        if (0..<text.count).contains(where: { text[$0] == 0 }) { return isFoundAroundNUL(text) }
        return text.withUnsafeBufferPointer { isFound($0) }
    }

    private func isFoundAroundNUL(_ text: Span<UInt8>) -> Bool {
        plain.removeAll(keepingCapacity: true)
        for index in text.indices { plain.append(text[index] == 0 ? 1 : text[index]) }
        return plain.withUnsafeBufferPointer { isFound($0) }
    }

    private func isFound(_ text: UnsafeBufferPointer<UInt8>) -> Bool {
        guard let start = text.baseAddress else { return isFoundInNothing() }
        var range = regmatch_t(rm_so: 0, rm_eo: regoff_t(text.count))
        let code = start.withMemoryRebound(to: CChar.self, capacity: text.count) {
            regexec(&compiled, $0, 1, &range, regexStartEnd)
        }
        // Out of memory is the other answer: then nothing is known, and what is not known is refused.
        return code != _REG_NOMATCH.rawValue
    }

    private func isFoundInNothing() -> Bool { regexec(&compiled, "", 0, nil, 0) != _REG_NOMATCH.rawValue }

    private func renew(for count: Int) {
        consumed += count
        guard consumed > Self.renewalLimit else { return }
        consumed = count
        // It has been compiled before; without memory for it the old one does.
        guard let fresh = try? Self.compile(Self.anchored(source)) else { return }
        regfree(&compiled)
        compiled = fresh
    }
}

// Macros with shifts, which Swift does not import.
private let regexNoMatches: Int32 = 1 << 3
private let regexStartEnd: Int32 = 1 << 2
