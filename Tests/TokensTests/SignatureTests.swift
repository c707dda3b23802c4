import Catalog
import Control
import Identity
import Testing
import Tokens

/// Tokens that are signed as they should be, and those that only look so.
@Suite struct SignatureTests {
    private static let valid = TokenVerdict.client("checkout", expires: Ground.now + 90)

    private func keys() throws -> [TestKey] {
        [try .rsa(), .ecdsa(), try .edDSA(), .secret(Ground.secret)]
    }

    private func keySet(_ key: TestKey) throws -> KeySet {
        if case .secret(let text) = key.material { return .secret(text) }
        return .jwks([try key.jwk()])
    }

    @Test func everyAlgorithmIsBelieved() async throws {
        for key in try keys() {
            let token = try await key.token(Ground.claims())
            #expect(await Ground.checker([key.algorithm], [try keySet(key)]).check(token) == Self.valid, "\(key.algorithm)")
            #expect(await Ground.checker(Issuer.Algorithm.allCases, [try keySet(key)]).check(token) == Self.valid)
            if key.algorithm != .hs256 {
                #expect(await Ground.checker([key.algorithm], [.pem(key.pem)]).check(token) == Self.valid)
            }
            let others = Issuer.Algorithm.allCases.filter { $0 != key.algorithm }
            #expect(await Ground.checker(others, [try keySet(key)]).check(token) == .refused(.algorithm))
        }
    }

    @Test func nobodyElsesSignatureIs() async throws {
        for (key, other) in zip(try keys(), [try TestKey.rsa(), .ecdsa(), try .edDSA(), .secret(Ground.secret + "!")]) {
            let checker = Ground.checker([key.algorithm], [try keySet(key)])
            #expect(await checker.check(try await other.token(Ground.claims())) == .refused(.signature))
            let token = try await key.token(Ground.claims())
            let parts = token.split(separator: ".")
            let forged = Base64URL.encode(Array(Ground.claims(sub: "team").utf8))
            let signatures: [Substring] = [
                parts[2].dropLast(4) + "AAAA", "", "AAAA", parts[2] + "AAAA", Substring(String(repeating: "A", count: 86)),
                Substring(Base64URL.encode(Array(repeating: 0, count: 256))),
            ]
            #expect(await checker.check("\(parts[0]).\(forged).\(parts[2])") == .refused(.signature))
            for signature in signatures {
                #expect(await checker.check("\(parts[0]).\(parts[1]).\(signature)") == .refused(.signature))
            }
        }
    }

    @Test(arguments: ["none", "None", "NONE", "nOnE", "", "HS384", "HS512", "hs256", "RS512", "PS256", "ES384", "ES256K", "dir"])
    func noOtherAlgorithmIsKnown(algorithm: String) async throws {
        for signature in [true, false] {
            let token = try await Ground.token(Ground.claims(), header: #"{"alg":"\#(algorithm)"}"#)
            let sent = signature ? token : token.split(separator: ".").prefix(2).joined(separator: ".") + "."
            #expect(await Ground.plain.check(sent) == .refused(.algorithm))
            let open = Ground.checker(Issuer.Algorithm.allCases, [.secret(Ground.secret)])
            #expect(await open.check(sent) == .refused(.algorithm))
        }
    }

    /// HS256 with what everybody knows as the secret.
    @Test func aPublicKeyIsNoSecret() async throws {
        for key in [try TestKey.rsa(), .ecdsa(), try .edDSA()] {
            let jwk = try key.jwk()
            let guesses = [key.pem, key.pem.trimmed, jwk, #"{"keys":[\#(jwk)]}"#] + jwk.split(separator: #"""#).map(String.init)
            for guess in guesses where guess.utf8.count >= 32 {
                for named in [#"{"alg":"HS256"}"#, #"{"alg":"HS256","kid":"a"}"#] {
                    let token = try await TestKey.secret(guess).token(Ground.claims(), header: named)
                    for set in [KeySet.pem(key.pem), .jwks([jwk]), .jwks([try key.jwk(#","kid":"a""#)])] {
                        #expect(await Ground.checker([key.algorithm], [set]).check(token) == .refused(.algorithm))
                        #expect(await Ground.checker(Issuer.Algorithm.allCases, [set]).check(token) == .refused(.signature))
                    }
                }
            }
        }
    }

    /// The token's head says what it likes; the key says what it is for.
    @Test func algorithmsAreNotExchanged() async throws {
        let (rsa, ecdsa) = (try TestKey.rsa(), TestKey.ecdsa())
        let checker = Ground.checker([.rs256, .es256], [.jwks([try rsa.jwk(), try ecdsa.jwk()])])
        #expect(await checker.check(try await rsa.token(Ground.claims())) == Self.valid)
        #expect(await checker.check(try await ecdsa.token(Ground.claims())) == Self.valid)
        let mixed = try await rsa.token(Ground.claims(), header: #"{"alg":"ES256"}"#)
        #expect(await checker.check(mixed) == .refused(.signature))
        let other = try await ecdsa.token(Ground.claims(), header: #"{"alg":"RS256"}"#)
        #expect(await checker.check(other) == .refused(.signature))
    }

    @Test func keysInTheTokenAreNotUsed() async throws {
        let (own, other) = (try TestKey.edDSA(), try TestKey.edDSA())
        let checker = Ground.checker([.edDSA], [.jwks([try own.jwk()])])
        for member in [#""jwk":\#(try other.jwk())"#, #""jku":"https://evil.example/keys""#, #""x5c":["AAAA"]"#] {
            let token = try await other.token(Ground.claims(), header: #"{"alg":"EdDSA",\#(member)}"#)
            #expect(await checker.check(token) == .refused(.signature))
        }
    }

    @Test func whatIsCriticalIsNotIgnored() async throws {
        for member in [#""crit":["b64"],"b64":false"#, #""crit":[]"#, #""crit":null"#] {
            let token = try await Ground.token(Ground.claims(), header: #"{"alg":"HS256",\#(member)}"#)
            #expect(await Ground.plain.check(token) == .refused(.algorithm))
        }
    }

    // MARK: - Names of keys

    @Test func keysAreFoundByName() async throws {
        let (first, second) = (try TestKey.edDSA(), try TestKey.edDSA())
        let checker = Ground.checker([.edDSA], [.jwks([try first.jwk(#","kid":"a""#), try second.jwk(#","kid":"b""#)])])
        func verdict(_ key: TestKey, _ name: String) async throws -> TokenVerdict {
            await checker.check(try await key.token(Ground.claims(), header: #"{"alg":"EdDSA"\#(name)}"#))
        }
        #expect(try await verdict(first, #","kid":"a""#) == Self.valid)
        #expect(try await verdict(second, #","kid":"b""#) == Self.valid)
        #expect(try await verdict(second, "") == Self.valid)
        #expect(try await verdict(second, #","kid":"a""#) == .refused(.signature))
        #expect(try await verdict(second, #","kid":"c""#) == .refused(.signature))
        #expect(try await verdict(second, #","kid":"../../dev/null""#) == .refused(.signature))
        #expect(try await verdict(second, #","kid":7"#) == Self.valid, "a name that is no text is none")
    }

    @Test func aKeyWithoutANameServesEveryName() async throws {
        let key = try TestKey.edDSA()
        let checker = Ground.checker([.edDSA], [.pem(key.pem)])
        #expect(await checker.check(try await key.token(Ground.claims(), header: #"{"alg":"EdDSA","kid":"x"}"#)) == Self.valid)
    }

    @Test func anIssuerHasItsOwnKeys() async throws {
        let (corp, other) = (try TestKey.edDSA(), try TestKey.edDSA())
        let issuers = [Ground.issuer([.edDSA]), Ground.issuer([.edDSA], name: "other", issuer: "https://other.example")]
        let clients = Ground.clients + [Client(name: "o", tokens: [TokenMatch(issuer: "other", claims: ["sub": ["*"]])])]
        let checker = TokenChecker.make(
            issuers: issuers, keySets: [.jwks([try corp.jwk()]), .jwks([try other.jwk()], issuer: "other")], clients: clients
        ).checker
        let claims = Ground.claims(issuer: #""https://other.example""#)
        #expect(await checker.check(try await other.token(claims)) == .client("o", expires: Ground.now + 90))
        #expect(await checker.check(try await corp.token(claims)) == .refused(.signature))
        #expect(await checker.check(try await other.token(Ground.claims())) == .refused(.signature))
    }

    /// The same issuer configured for two audiences.
    @Test func twoMayBeOne() async throws {
        let issuers = [
            Ground.issuer([.hs256], audience: ["a"]), Ground.issuer([.hs256], audience: ["modelbroker"], name: "second"),
        ]
        let clients = [Client(name: "s", tokens: [TokenMatch(issuer: "second", claims: ["sub": ["*"]])])]
        let sets = [KeySet.secret(Ground.secret), .secret(Ground.secret, issuer: "second")]
        let checker = TokenChecker.make(issuers: issuers, keySets: sets, clients: clients).checker
        #expect(await checker.check(try await Ground.token(Ground.claims())) == .client("s", expires: Ground.now + 90))
        let other = try await Ground.token(Ground.claims(audience: #""b""#))
        #expect(await checker.check(other) == .refused(.audience))
    }
}

extension String {
    fileprivate var trimmed: String {
        var text = self
        while text.last?.isNewline == true { text.removeLast() }
        return text
    }
}
