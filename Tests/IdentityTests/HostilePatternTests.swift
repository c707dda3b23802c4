import Identity
import Testing

/// Patterns that take other matchers for ever.
@Suite(.timeLimit(.minutes(1))) struct HostilePatternTests {
    /// At the limits of both lengths; backtracking over every star would take longer than the universe has.
    @Test(arguments: [
        ("/" + String(repeating: "a*", count: 2_000) + "b", "/" + String(repeating: "a", count: 4_000)),
        ("/" + String(repeating: "*a", count: 2_000) + "b", "/" + String(repeating: "a", count: 4_000)),
        ("/" + String(repeating: "*?", count: 2_000) + "b", "/" + String(repeating: "a", count: 4_000)),
        ("/" + String(repeating: "**/a/", count: 800) + "b", String(repeating: "/a", count: 2_000)),
        ("/" + String(repeating: "**/", count: 1_300) + "b", String(repeating: "/a", count: 2_000)),
        ("/" + String(repeating: "**/*a*/", count: 500) + "b", String(repeating: "/aa", count: 1_300)),
        ("/**/" + String(repeating: "*a*/", count: 1_000) + "b", String(repeating: "/aa", count: 1_300)),
        (
            "/" + String(repeating: "**/*a*a*a*b/", count: 300),
            String(repeating: "/" + String(repeating: "a", count: 1_000), count: 4)
        ),
    ])
    func endsSoon(pattern: String, path: String) throws {
        let text = pattern.hasSuffix("/") ? String(pattern.dropLast()) : pattern
        let compiled = try WorkloadPattern(text)
        let clock = ContinuousClock()
        var matched = true
        let elapsed = clock.measure { matched = compiled.matches(path: path) }
        #expect(!matched)
        #expect(elapsed < .seconds(10), "a debug build of bounded work takes well under a second")
    }

    /// All patterns and paths over a small alphabet, against a matcher too simple to be wrong.
    @Test func agreesWithAPlainMatcher() throws {
        var random = SystemRandomNumberGenerator()
        let pieces = ["a", "b", "*", "?", "**", "ab", "a*", "*b", "?a"]
        for _ in 0..<20_000 {
            let pattern = (0..<Int.random(in: 1...4, using: &random)).compactMap { _ in pieces.randomElement(using: &random) }
            let path = (0..<Int.random(in: 0...5, using: &random)).compactMap { _ in
                ["a", "b", "ab", "ba", "aab", "é"].randomElement(using: &random)
            }
            let text = "/" + pattern.joined(separator: "/")
            let target = "/" + path.joined(separator: "/")
            let expected = Self.plainly(pattern[...], path[...])
            #expect(try WorkloadPattern(text).matches(path: target) == expected, "\(text) on \(target)")
        }
    }

    private static func plainly(_ pattern: ArraySlice<String>, _ path: ArraySlice<String>) -> Bool {
        guard let first = pattern.first else { return path.isEmpty }
        if first == "**" {
            return plainly(pattern.dropFirst(), path) || (!path.isEmpty && plainly(pattern, path.dropFirst()))
        }
        guard let name = path.first, plainly(first[...], name[...]) else { return false }
        return plainly(pattern.dropFirst(), path.dropFirst())
    }

    private static func plainly(_ pattern: Substring, _ name: Substring) -> Bool {
        guard let first = pattern.first else { return name.isEmpty }
        if first == "*" {
            return plainly(pattern.dropFirst(), name) || (!name.isEmpty && plainly(pattern, name.dropFirst()))
        }
        guard let character = name.first, first == "?" || first == character else { return false }
        return plainly(pattern.dropFirst(), name.dropFirst())
    }

    /// No bytes of a path can trap.
    @Test func everyPathIsAnswered() throws {
        let compiled = try WorkloadPattern("/a?*/**/?*b")
        for path in ["", "/", "//", "///", "a", "\u{0}", "/\u{0}", "/é/é", "/a\u{FFFD}/b", "/ab//cb/", "/👩‍👩‍👧‍👧/b"] {
            _ = compiled.matches(path: path)
        }
        #expect(compiled.matches(path: "/ab//cb/"))
    }
}
