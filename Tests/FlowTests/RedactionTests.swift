import Testing

@testable import Flow

/// What is taken out of texts before they are written down.
@Suite struct RedactionTests {
    static let jwt = "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJ4In0.c2lnbmF0dXJl"

    private func redacted(_ text: String, isCut: Bool = false) -> String {
        String(decoding: Redaction.apply(Array(text.utf8), isCut: isCut), as: UTF8.self)
    }

    @Test(arguments: [
        ("use sk-0123456789abcdefgh now", "use [redacted] now"),
        (#""\nsk-proj-0123456789abcdef""#, #""\n[redacted]""#),
        ("mb_abcdefghij_0123456789012345678901234567890123456789012", "[redacted]"),
        ("ghp_0123456789abcdef0123456789abcdef0123.", "[redacted]."), ("AKIAIOSFODNN7EXAMPLE", "AKIAIOSFODNN7EXAMPLE"),
        ("(AKIA0123456789ABCDEF)", "([redacted])"), ("t=\(jwt);", "t=[redacted];"),
        ("Authorization: Bearer abc.def/ghi+jkl=", "Authorization: Bearer [redacted]"),
        ("BEARER 0123456789", "BEARER [redacted]"), ("bearer of news", "bearer of news"),
        (#"{"password":"hunter2","a":1}"#, #"{"password":"[redacted]","a":1}"#),
        (#"{"DB_Password" : "a\"b","x":"y"}"#, #"{"DB_Password" : "[redacted]","x":"y"}"#),
        (#""{\"api_key\": \"k\", \"b\": \"c\"}""#, #""{\"api_key\": \"[redacted]\", \"b\": \"c\"}""#),
        (#"{"token":"","secret":5,"tokens":"x"}"#, #"{"token":"","secret":5,"tokens":"x"}"#),
        ("write to a.b+c@mail.example.org.", "write to [redacted]."), ("a @ b, @media, x@y", "a @ b, @media, x@y"),
        ("card 4111111111111111!", "card [redacted]!"), ("4111 1111-1111 1111", "[redacted]"),
        ("123456789012", "123456789012"), ("12345678901234567890", "12345678901234567890"),
        ("[0.1234567890123456,-0.9876543210987654]", "[0.1234567890123456,-0.9876543210987654]"),
        ("1 2 3 4 5 6 7 8 9 10 11 12 13 14", "1 2 3 4 5 6 7 8 9 10 11 12 13 14"),
        ("task-based-and-risk-averse-people", "task-based-and-risk-averse-people"), ("", ""), ("eyJ", "eyJ"),
    ])
    func whatIsSecretGoes(text: String, wanted: String) {
        #expect(redacted(text) == wanted.replacing("AKIAIOSFODNN7EXAMPLE", with: "[redacted]"))
    }

    @Test(arguments: [
        ("my key is sk-012345", "my key is [redacted]"), ("t \(jwt.prefix(8))", "t [redacted]"),
        (#"{"password":"hunt"#, #"{"password":"[redacted]"#), ("4111 1111", "[redacted]"), ("me@exam", "[redacted]"),
        ("Bearer ab", "Bearer [redacted]"),
    ])
    func whatIsCutInTheMiddleGoesToo(text: String, wanted: String) {
        #expect(redacted(text, isCut: true) == wanted)
    }

    @Test func anythingComesToItsEnd() {
        var state: UInt64 = 7
        let pieces = ["\"", "\\", "@", "sk-", "eyJ", ".", "1", "password\":", "bearer ", " ", "-", "a", "\u{0}", "é"]
        for _ in 0..<2000 {
            var text: [UInt8] = []
            for _ in 0..<40 {
                state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
                text += Array(pieces[Int(state >> 33) % pieces.count].utf8)
            }
            let output = Redaction.apply(text, isCut: state & 1 == 0)
            #expect(output.count <= text.count * 11)
        }
    }
}
