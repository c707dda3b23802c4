import Identity
import Testing

@Suite struct WorkloadPatternTests {
    @Test(
        arguments: [
            ("/", ["/"], ["/a", ""]),
            ("/a", ["/a", "/a/"], ["/", "/ab", "/a/b", "a", "/A"]),
            ("/a/b", ["/a/b"], ["/a", "/a/b/c", "/ab"]),
            ("/*", ["/a", "/abc"], ["/", "/a/b"]),
            ("/a*", ["/a", "/abc"], ["/ba", "/a/b"]),
            ("/*a", ["/a", "/bca"], ["/ab"]),
            ("/a*c*e", ["/ace", "/abcde", "/accee"], ["/aec", "/a/ce", "/acex"]),
            ("/pod-*-x/y", ["/pod-1-x/y", "/pod--x/y"], ["/pod-x/y", "/pod-1/x/y"]),
            ("/a?c", ["/abc", "/aéc", "/a*c"], ["/ac", "/abbc", "/a/c"]),
            ("/?*?", ["/ab", "/éü", "/abc"], ["/a", "/é", "/"]),
            ("/**", ["/", "/a", "/a/b/c"], ["", "a"]),
            ("/a/**", ["/a", "/a/b", "/a/b/c"], ["/", "/ab", "/b/a"]),
            ("/**/a", ["/a", "/b/a", "/b/c/a", "/a/a"], ["/", "/a/b", "/ba"]),
            ("/a/**/b", ["/a/b", "/a/x/b", "/a/x/y/b", "/a/b/b"], ["/a", "/b", "/a/b/x", "/ab"]),
            ("/**/a/**/b/**", ["/a/b", "/x/a/y/b/z", "/a/a/b"], ["/b/a", "/a", "/b"]),
            ("/**/**", ["/", "/a", "/a/b"], []),
            (
                "/kubepods.slice/**/checkout*",
                [
                    "/kubepods.slice/checkout", "/kubepods.slice/besteffort/pod1/checkout-7f",
                    "/kubepods.slice/checkout/checkout2",
                ],
                ["/kubepods.slice/pod1/a-checkout", "/kubepods.slice/checkout/x", "/system.slice/checkout"]
            ),
            (#"/a\x2db"#, [#"/a\x2db"#], ["/a-b", "/axb"]),
            (#"/\*"#, [#"/\"#, #"/\abc"#], ["/*"]),
            ("/[ab]{c}", ["/[ab]{c}"], ["/a", "/ac"]),
            ("/**/*.service", ["/ssh.service", "/system.slice/ssh.service"], ["/ssh.service/x", "/.servicex"]),
        ] as [(String, [String], [String])])
    func matches(pattern: String, accepted: [String], refused: [String]) throws {
        let compiled = try WorkloadPattern(pattern)
        #expect(compiled.description == pattern)
        for path in accepted { #expect(compiled.matches(path: path), "\(pattern) matches \(path)") }
        for path in refused { #expect(!compiled.matches(path: path), "\(pattern) does not match \(path)") }
    }

    @Test(
        arguments: [
            ("", WorkloadPatternError.empty), ("a", .notAbsolute), ("*", .notAbsolute), ("**/a", .notAbsolute),
            (" /a", .notAbsolute),
            ("/a//b", .emptyComponent), ("//", .emptyComponent), ("/a/", .emptyComponent), ("/a/../b", .dotComponent),
            ("/.", .dotComponent), ("/a**", .doubleStarNotAlone), ("/**a", .doubleStarNotAlone), ("/***", .doubleStarNotAlone),
            ("/a/b**c/d", .doubleStarNotAlone), ("/a\nb", .controlCharacter), ("/a\0", .controlCharacter),
            ("/" + String(repeating: "a", count: 4_096), .tooLong),
        ] as [(String, WorkloadPatternError)])
    func refuses(pattern: String, error: WorkloadPatternError) {
        #expect(throws: error) { try WorkloadPattern(pattern) }
        #expect(!error.description.isEmpty)
    }

    @Test func lengthsUpToTheLimitAreTaken() throws {
        let text = "/" + String(repeating: "a", count: 4_095)
        #expect(try WorkloadPattern(text).matches(path: text))
        #expect(try !WorkloadPattern("/**").matches(path: text + "a"))
        #expect(try WorkloadPattern("/...").matches(path: "/..."))
    }

    @Test func equalPatternsAreEqual() throws {
        #expect(try WorkloadPattern("/a/*") == WorkloadPattern("/a/*"))
        #expect(try WorkloadPattern("/a/*") != WorkloadPattern("/a/**"))
    }
}
