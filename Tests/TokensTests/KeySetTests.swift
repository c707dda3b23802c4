import Catalog
import Control
import Identity
import JWTKit
import Testing
import Tokens

@Suite struct KeySetTests {
    private func fault(_ text: String, _ form: KeySet.Form, _ algorithms: [Issuer.Algorithm] = Issuer.Algorithm.allCases)
        -> String?
    {
        KeySetCheck.fault(of: Secret(text), form: form, algorithms: algorithms)
    }

    private func fault(_ keys: [String], _ algorithms: [Issuer.Algorithm] = Issuer.Algorithm.allCases) -> String? {
        fault(#"{"keys":[\#(keys.joined(separator: ","))]}"#, .jwks, algorithms)
    }

    private func isBelieved(_ key: TestKey, _ sets: [KeySet], header: String? = nil) async throws -> Bool {
        let checker = Ground.checker(Issuer.Algorithm.allCases, sets)
        if case .client = await checker.check(try await key.token(Ground.claims(), header: header)) { return true }
        return false
    }

    @Test func badKeysArePassedOver() async throws {
        let key = TestKey.ecdsa()
        let bad = [
            "{}", "null", "7", "[]", #""x""#, #"{"kty":"EC"}"#, #"{"kty":"RSA","n":"AQAB","e":"AQAB"}"#,
            #"{"kty":"RSA","n":"!","e":"AQAB"}"#,
            #"{"kty":"EC","crv":"P-256","x":"AAAA","y":"AAAA"}"#, #"{"kty":"EC","crv":"P-384","x":"AAAA","y":"AAAA"}"#,
            #"{"kty":"OKP","crv":"X25519","x":"\#(Base64URL.encode(Array(repeating: 9, count: 32)))"}"#,
            #"{"kty":"OKP","crv":"Ed25519","x":"AAAA"}"#, #"{"kty":"oct","k":"AAAA"}"#, #"{"kty":"quantum"}"#, #"{"kty":7}"#,
            // A point that is not on the curve.
            #"{"kty":"EC","crv":"P-256","x":"\#(Base64URL.encode(Array(repeating: 1, count: 32)))","y":"\#(Base64URL.encode(Array(repeating: 2, count: 32)))"}"#,
        ]
        for one in bad { #expect(fault([one]) != nil, "\(one)") }
        let good = try key.jwk()
        #expect(fault(bad) != nil && fault(bad + [good]) == nil)
        #expect(try await isBelieved(key, [.jwks(bad + [try key.jwk()])]))
    }

    /// 1,024 bits.
    @Test func smallRSAKeysAreRefused() {
        let modulus = Base64URL.encode(Array(repeating: 0xFF, count: 128))
        #expect(fault([#"{"kty":"RSA","n":"\#(modulus)","e":"AQAB"}"#]) != nil)
    }

    @Test func duplicatesAllServe() async throws {
        let (first, second, rsa) = (try TestKey.edDSA(), try TestKey.edDSA(), try TestKey.rsa())
        let name = #","kid":"same""#
        let sets = [KeySet.jwks([try first.jwk(name), try first.jwk(name), try second.jwk(name), try rsa.jwk(name)])]
        for key in [first, second, rsa] {
            #expect(try await isBelieved(key, sets, header: #"{"alg":"\#(key.algorithm.rawValue)","kid":"same"}"#))
        }
        #expect(try await isBelieved(second, [.jwks([try first.jwk()]), .jwks([try second.jwk()])]), "two sets of one issuer")
    }

    @Test func keysForOtherUsesAreNotUsed() async throws {
        let key = try TestKey.rsa()
        for more in [
            #","use":"enc""#, #","use":7"#, #","key_ops":["encrypt"]"#, #","key_ops":[]"#, #","key_ops":"verify""#,
            #","alg":"RS512""#,
            #","alg":"HS256""#, #","alg":"ES256""#, #","alg":null"#,
        ] {
            #expect(fault([try key.jwk(more)]) != nil, "\(more)")
            #expect(try await !isBelieved(key, [.jwks([try key.jwk(more)])]))
        }
        for more in [#","use":"sig""#, #","key_ops":["sign","verify"]"#, #","alg":"RS256""#, #","x5t":"x","n2":{}"#] {
            #expect(fault([try key.jwk(more)]) == nil)
        }
    }

    @Test func secretsAreNotPublished() async throws {
        let secret = TestKey.secret(Ground.secret)
        #expect(fault([try secret.jwk()]) != nil)
        #expect(try await !isBelieved(secret, [.jwks([try secret.jwk(), try TestKey.ecdsa().jwk()])]))
    }

    @Test func keysMustFitTheAlgorithms() throws {
        let keys = [try TestKey.rsa().jwk(), try TestKey.edDSA().jwk()]
        #expect(fault(keys, [.rs256]) == nil && fault(keys, [.edDSA]) == nil && fault(keys, [.hs256, .rs256]) == nil)
        #expect(fault(keys, [.es256])?.contains("ES256") == true && fault(keys, [.hs256]) != nil && fault(keys, []) != nil)
    }

    @Test(arguments: [
        "", "{}", "[]", "null", "keys", #"{"keys":{}}"#, #"{"keys":[]}"#, #"{"keys":null}"#, "<html></html>", #"{"keys":[{}"#,
        "\u{FEFF}", String(repeating: "[", count: 100_000),
    ])
    func otherDocumentsAreRefused(text: String) {
        for form in [KeySet.Form.jwks, .pem] { #expect(fault(text, form) != nil) }
    }

    @Test func documentsAreBounded() throws {
        let key = try TestKey.ecdsa().jwk()
        let filler = #"{"kty":"x","x":"\#(String(repeating: "a", count: 1 << 20))"}"#
        #expect(fault([key, filler]) != nil)
        #expect(fault(Array(repeating: key, count: 1_000)) == nil)
    }

    @Test func pemHasPublicKeysOnly() async throws {
        let (rsa, ecdsa, edDSA) = (try TestKey.rsa(), TestKey.ecdsa(), try TestKey.edDSA())
        let all = "# keys\n" + rsa.pem + "\n" + ecdsa.pem.replacing("\n", with: "\r\n") + "text between\n" + edDSA.pem
        for key in [rsa, ecdsa, edDSA] { #expect(try await isBelieved(key, [.pem(all)])) }
        guard case .ecdsa(let secret) = ecdsa.material else { return }
        #expect(fault(secret.pemRepresentation, .pem)?.contains("private") == true)
        #expect(fault(rsa.pem + secret.pemRepresentation, .pem) != nil)
        #expect(fault(String(rsa.pem.dropLast(40)), .pem) != nil && fault(rsa.pem.replacing("A", with: "B"), .pem) != nil)
        #expect(fault("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", .pem)?.contains("CERTIFICATE") == true)
        #expect(fault("-----BEGIN PUBLIC KEY-----\n" + rsa.pem, .pem) != nil)
        #expect(fault(rsa.pem, .pem, [.es256]) != nil)
    }

    @Test func secretsAreLongAndSecret() throws {
        #expect(fault(Ground.secret, .secret) == nil && fault(Ground.secret, .secret, [.rs256]) != nil)
        #expect(fault("", .secret) != nil && fault(String(repeating: "a", count: 31), .secret) != nil)
        #expect(fault(try TestKey.rsa().pem, .secret)?.contains("PEM") == true)
    }

    // MARK: - The checker's complaints

    @Test func whatIsBrokenIsNamed() async throws {
        let good = TestKey.secret(Ground.secret)
        let issuers = [Ground.issuer([.hs256]), Ground.issuer([.rs256], name: "broken", issuer: "https://broken.example")]
        let made = TokenChecker.make(
            issuers: issuers,
            keySets: [.secret(Ground.secret), .pem("nonsense", issuer: "broken"), .jwks([], issuer: "stranger")],
            clients: Ground.clients)
        #expect(made.complaints.count == 1 && made.complaints[0].contains("broken"))
        #expect(!made.complaints[0].contains("nonsense"))
        #expect(await made.checker.check(try await good.token(Ground.claims())) == .client("checkout", expires: Ground.now + 90))
        let key = try TestKey.rsa()
        let token = try await key.token(Ground.claims(issuer: #""https://broken.example""#))
        #expect(await made.checker.check(token) == .refused(.noKeys))
    }
}
