import Identity
import Testing
import Tokens

/// What is no token at all.
@Suite(.timeLimit(.minutes(1))) struct MalformedTokenTests {
    private static let header = Base64URL.encode(Array(#"{"alg":"HS256"}"#.utf8))
    private static let claims = Base64URL.encode(Array(Ground.claims().utf8))

    @Test func shapes() async throws {
        let valid = try await Ground.token(Ground.claims())
        let signature = valid.split(separator: ".")[2]
        let texts = [
            "", ".", "..", "...", "a.b.c", "\(Self.header).\(Self.claims)", valid + ".", "." + valid, valid + ".x",
            "\(Self.header)..\(signature)", ".\(Self.claims).\(signature)", valid + "=", valid + "\n", " " + valid,
            "\(Self.header)=.\(Self.claims).\(signature)", "\(Self.header).\(Self.claims)+.\(signature)", valid + "!",
            "\(Self.header) .\(Self.claims).\(signature)", valid.replacing(".", with: ":"), String(repeating: ".", count: 8_000),
        ]
        for text in texts { #expect(await Ground.plain.check(text) == .refused(.malformed), "\(text.prefix(60))") }
        for bytes in [[0xFF, 0x2E, 0xFE, 0x2E, 0xFD], [0, 0x2E, 0, 0x2E, 0]] as [[UInt8]] {
            #expect(await Ground.plain.check(bytes, epoch: 0) == .refused(.malformed))
        }
    }

    @Test(arguments: [
        "", "{", "[]", "null", "7", #""alg""#, "{}", #"{"alg":7}"#, #"{"alg":null}"#, #"{"alg":["HS256"]}"#, #"{"alg":"HS256"}x"#,
        #"{"alg":"HS256","x":1e999}"#, #"{'alg':'HS256'}"#,
    ])
    func heads(header: String) async throws {
        let token = try await Ground.token(Ground.claims(), header: header)
        #expect(await Ground.plain.check(token) == .refused(.malformed))
    }

    @Test(arguments: ["", "{", "[]", "null", #""x""#, #"[{"iss":"https://sso.example"}]"#, #"{"iss":"https://sso.example""#])
    func bodies(claims: String) async throws {
        #expect(await Ground.plain.check(try await Ground.token(claims)) == .refused(.malformed))
    }

    @Test func invalidUTF8IsRefused() async throws {
        let bytes = Array(#"{"iss":""#.utf8) + [0xC3, 0x28] + Array(#""}"#.utf8)
        #expect(await Ground.plain.check("\(Self.header).\(Base64URL.encode(bytes)).AAAA") == .refused(.malformed))
    }

    @Test func sizeIsBounded() async throws {
        let filled = { (count: Int) in Ground.claims(#""x":"\#(String(repeating: "a", count: count))","#) }
        var (fits, tooLong) = (0, 0)
        for count in stride(from: 5_850, to: 6_150, by: 7) {
            let token = try await Ground.token(filled(count))
            let verdict = await Ground.plain.check(token)
            if token.utf8.count <= 8_192 {
                fits += 1
                #expect(verdict == .client("checkout", expires: Ground.now + 90))
            } else {
                tooLong += 1
                #expect(verdict == .refused(.malformed))
            }
        }
        #expect(fits > 0 && tooLong > 0)
        let huge = try await Ground.token(filled(100_000))
        #expect(await Ground.plain.check(huge) == .refused(.malformed))
    }

    @Test func depthIsBounded() async throws {
        let nested = { (count: Int, open: String, close: String) in
            Ground.claims(#""x":"# + String(repeating: open, count: count) + "1" + String(repeating: close, count: count) + ",")
        }
        #expect(
            await Ground.plain.check(try await Ground.token(nested(31, "[", "]")))
                == .client("checkout", expires: Ground.now + 90))
        for count in [32, 500, 2_900] {
            #expect(await Ground.plain.check(try await Ground.token(nested(count, "[", "]"))) == .refused(.malformed))
        }
        #expect(await Ground.plain.check(try await Ground.token(nested(800, #"{"a":"#, "}"))) == .refused(.malformed))
        let text = Ground.claims(#""x":"\#(String(repeating: #"[{\""#, count: 200))","#)
        #expect(await Ground.plain.check(try await Ground.token(text)) == .client("checkout", expires: Ground.now + 90))
    }

    /// Whatever comes, one of the answers comes back.
    @Test func noise() async throws {
        let valid = Array(try await Ground.token(Ground.claims()).utf8)
        var random = SystemRandomNumberGenerator()
        var believed = 0
        for _ in 0..<300 {
            var token = valid
            let place = Int.random(in: token.indices, using: &random)
            let byte = UInt8.random(in: .min ... .max, using: &random)
            if byte == token[place] { continue }
            token[place] = byte
            if case .client = await Ground.plain.check(token, epoch: Ground.now) { believed += 1 }
        }
        #expect(believed == 0)
    }
}
