import Catalog
import Identity
import Testing

@Suite struct FirewallTests {
    private func verdict(
        _ wall: Firewall, _ method: String = "POST", _ path: String = "/v1/chat/completions", _ model: String? = "m",
        size: UInt64 = 0, client: Int? = nil
    ) -> String? {
        let (method, path) = (Array(method.utf8), Array(path.utf8))
        let number: Int?
        if let model {
            let name = Array(model.utf8)
            number = Self.judge(wall, method.span, path.span, name.span, size, client)
        } else {
            number = Self.judge(wall, method.span, path.span, nil, size, client)
        }
        return number.map { wall.name($0) }
    }

    private static func judge(
        _ wall: Firewall, _ method: Span<UInt8>, _ path: Span<UInt8>, _ model: Span<UInt8>?, _ size: UInt64, _ client: Int?
    ) -> Int? {
        guard let client else { return wall.verdict(method: method, path: path, model: model, bodySize: size) }
        return wall.verdict(method: method, path: path, model: model, bodySize: size, client: client)
    }

    @Test func everythingGivenMustBeSo() throws {
        let wall = try Firewall([
            FirewallRule(name: "no-files", method: "^(POST|DELETE)$", path: "^/v1/files"),
            FirewallRule(name: "no-large", model: "^llama-", bodyAbove: 1_000), FirewallRule(name: "huge", bodyAbove: 5_000),
        ])
        #expect(verdict(wall, "DELETE", "/v1/files/1") == "no-files" && verdict(wall, "GET", "/v1/files/1") == nil)
        #expect(verdict(wall, "POSTER", "/v1/files") == nil && verdict(wall, "POST", "/x/v1/files") == nil)
        #expect(verdict(wall, "PUT", "/", "llama-8b", size: 1_001) == "no-large")
        #expect(verdict(wall, "PUT", "/", "llama-8b", size: 1_000) == nil && verdict(wall, "PUT", "/", nil, size: 1_001) == nil)
        #expect(verdict(wall, "PUT", "/", nil, size: .max) == "huge")
        #expect(wall.bodyLimit == 1_000 && !wall.judgesClients && !wall.isEmpty)
        let none = try Firewall([])
        #expect(none.isEmpty && verdict(none) == nil && none.bodyLimit == nil && none.name(0) == "")
    }

    @Test func rulesForClientsAreJudgedApart() throws {
        let wall = try Firewall(
            [
                FirewallRule(name: "all", path: "^/all"), FirewallRule(name: "b", path: "^/", clients: ["b"]),
                FirewallRule(name: "gone", path: "^/", clients: ["gone"]),
            ], clients: ["a", "b"])
        #expect(wall.judgesClients && verdict(wall, "GET", "/x") == nil && verdict(wall, "GET", "/all") == "all")
        #expect(verdict(wall, "GET", "/x", client: 1) == "b" && verdict(wall, "GET", "/all", client: 0) == nil)
        #expect(verdict(wall, "GET", "/x", client: -1) == nil && verdict(wall, "GET", "/x", client: 2) == nil)
    }

    /// A rule whose every client is gone must not become one for everybody.
    @Test func ruleOfNobody() throws {
        let wall = try Firewall([FirewallRule(name: "gone", path: "^/", clients: ["gone"])])
        #expect(verdict(wall) == nil && verdict(wall, client: 0) == nil && verdict(wall, client: -1) == nil)
    }

    @Test(arguments: [
        "", "(", "a)", "a)|(b", "[(]a)", "[[:alpha:]()])", "[]()])", "[^]()])", "[\\])", "[", "a{", "a{3,1}", "a{99999}", "*",
        "(a)\\1", "\\2", "[\\1]", "\\\\\\1", "a\0b",
        String(repeating: "a", count: 1_025), "(a{1000}){1000}", "((a{50}){50}){50}",
        "((((((((((((((((a+)+)+)+)+)+)+)+)+)+)+)+)+)+)+)+)",
        "(a|b)*a(a|b){4000}", "[[:nonsense:]]", "[z-a]",
    ])
    func patternsThatCannotBe(pattern: String) {
        #expect(Firewall.check(pattern: pattern) != nil, "\(pattern.prefix(40))")
        #expect(throws: FirewallFault.self) { try Firewall([FirewallRule(name: "x", path: pattern)]) }
    }

    @Test(arguments: [
        "^/v1/(files|fine_tuning)", "^[^/]*$", "a{1,3}", "\\\\1", "[[:alpha:]]+", "(a|b)+c?", "é", "\\.git", "x{2}{2}", "[)]",
        "\\)", "[])]", "[^])]x", "[[:alpha:])]", "([)])", "[\\]()",
    ])
    func patternsThatCan(pattern: String) {
        #expect(Firewall.check(pattern: pattern) == nil)
    }

    // MARK: - Hostile texts

    @Test func aNULHidesNothing() throws {
        let wall = try Firewall([FirewallRule(name: "secret", model: "^a.*secret$"), FirewallRule(name: "b", model: "^b[^x]c")])
        #expect(verdict(wall, "GET", "/", "a\0secret") == "secret" && verdict(wall, "GET", "/", "a\0\0x\0secret") == "secret")
        #expect(verdict(wall, "GET", "/", "b\0c") == "b" && verdict(wall, "GET", "/", "a\0secret\0") == nil)
        let end = try Firewall([FirewallRule(name: "end", model: "evil")])
        #expect(verdict(end, "GET", "/", "\0evil") == "end" && verdict(end, "GET", "/", "x\0y\0evil\0z") == "end")
    }

    @Test func bytesAreCharacters() throws {
        let wall = try Firewall([FirewallRule(name: "two", model: "^..$"), FirewallRule(name: "bad", model: "^\u{E9}x")])
        #expect(verdict(wall, "GET", "/", "é") == "two", "two bytes")
        for text in [[0xFF, 0xFE], [0xC3, 0x28], [0x80, 0x80]] as [[UInt8]] {
            let empty: [UInt8] = []
            let rule = wall.verdict(method: empty.span, path: empty.span, model: text.span, bodySize: 0)
            #expect(rule == 0)
        }
        #expect(verdict(wall, "GET", "/", "éx") == "bad")
    }

    @Test func longTextsAreRefused() throws {
        let wall = try Firewall([FirewallRule(name: "p", path: "^/never$")])
        #expect(verdict(wall, "GET", "/" + String(repeating: "a", count: 8_191)) == nil)
        #expect(verdict(wall, "GET", "/" + String(repeating: "a", count: 8_192)) == "p", "what is not looked at may be anything")
    }

    @Test func nothingIsATextAsWell() throws {
        let wall = try Firewall([FirewallRule(name: "empty", model: "^$"), FirewallRule(name: "line", model: "^b$")])
        #expect(verdict(wall, "GET", "/", "") == "empty" && verdict(wall, "GET", "/", "x") == nil)
        #expect(verdict(wall, "GET", "/", "a\nb\nc") == nil, "a text has one beginning")
    }

    /// What takes backtracking matchers for ever, and what fills the C library's memory with states.
    @Test(
        .timeLimit(.minutes(1)),
        arguments: ["^(a+)+$", "(a|aa)+$", "(.*)*x", "^(a|a)*b$", "(x+x+)+y", "a*a*a*a*c", "(a|b)*a(a|b){12}$"])
    func endsSoon(pattern: String) throws {
        let wall = try Firewall([FirewallRule(name: "p", path: pattern)])
        var random = SystemRandomNumberGenerator()
        let texts = (0..<6).map { number in
            String((0..<8_000).map { _ in number == 0 ? "a" : Bool.random(using: &random) ? "a" : "b" })
        }
        let elapsed = ContinuousClock().measure { for text in texts { _ = verdict(wall, "GET", text + "!") } }
        #expect(elapsed < .seconds(20))
    }

    @Test func compilingAnewChangesNothing() throws {
        let wall = try Firewall([FirewallRule(name: "p", path: "^/a+b$")])
        for count in stride(from: 1, to: 1_000, by: 3) {
            #expect(verdict(wall, "GET", "/" + String(repeating: "a", count: count) + "b") == "p")
            #expect(verdict(wall, "GET", "/" + String(repeating: "a", count: count)) == nil)
        }
    }
}
