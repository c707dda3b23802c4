import Catalog
import Identity
import Testing
import Tokens

@Suite struct ClaimTests {
    private func verdict(_ claims: String, at epoch: Int64 = Ground.now) async throws -> TokenVerdict {
        await Ground.plain.check(try await Ground.token(claims), at: epoch)
    }

    private func isBelieved(_ verdict: TokenVerdict) -> Bool {
        if case .client = verdict { return true }
        return false
    }

    // MARK: - Issuer and audience

    @Test(arguments: [
        #""https://sso.example/""#, #""https://SSO.example""#, #""""#, "null", "7", #"["https://sso.example"]"#, #""corp""#,
        #""https://sso.example\u0000""#,
    ])
    func otherIssuersAreUnknown(issuer: String) async throws {
        #expect(try await verdict(Ground.claims(issuer: issuer)) == .refused(.unknownIssuer))
    }

    @Test func aTokenWithoutIssuerIsNobodys() async throws {
        #expect(try await verdict(#"{"sub":"checkout","exp":\#(Ground.now + 60)}"#) == .refused(.unknownIssuer))
        #expect(await TokenChecker().check(try await Ground.token(Ground.claims())) == .refused(.unknownIssuer))
    }

    @Test(arguments: [
        (#""modelbroker""#, true), (#"["other","modelbroker"]"#, true), (#""other""#, false), ("[]", false), ("null", false),
        (#""modelbroker ""#, false), ("7", false), (#"{"modelbroker":true}"#, false), (#"[["modelbroker"]]"#, false),
    ])
    func theAudienceIsOurs(audience: String, expected: Bool) async throws {
        let verdict = try await verdict(Ground.claims(audience: audience))
        #expect(isBelieved(verdict) == expected && (expected || verdict == .refused(.audience)))
    }

    @Test func withoutAudienceAnybodyIsMeant() async throws {
        let checker = Ground.checker([.hs256], [.secret(Ground.secret)], audience: [])
        #expect(isBelieved(await checker.check(try await Ground.token(Ground.claims(audience: #""x""#)))))
        let none = #"{"iss":"https://sso.example","sub":"checkout","exp":\#(Ground.now + 60)}"#
        #expect(isBelieved(await checker.check(try await Ground.token(none))))
        #expect(try await verdict(none) == .refused(.audience))
    }

    // MARK: - Times

    @Test func tokensEnd() async throws {
        let claims = Ground.claims(expires: "\(Ground.now)")
        #expect(try await verdict(claims, at: Ground.now + 29) == .client("checkout", expires: Ground.now + 30))
        #expect(try await verdict(claims, at: Ground.now + 30) == .refused(.expired))
        #expect(
            try await verdict(Ground.claims(expires: "\(Ground.now).5"), at: Ground.now + 30)
                == .client("checkout", expires: Ground.now + 30))
    }

    @Test(arguments: ["null", #""\#(Ground.now + 60)""#, "true", "[]", "{}", "0", "-1", "-1e300"])
    func somethingElseIsNoEnd(expires: String) async throws {
        #expect(try await verdict(Ground.claims(expires: expires)) == .refused(.expired))
    }

    @Test func anEndIsRequired() async throws {
        let claims = #"{"iss":"https://sso.example","aud":"modelbroker","sub":"checkout"}"#
        #expect(try await verdict(claims) == .refused(.expired))
    }

    @Test(arguments: ["1e300", "9223372036854775807", "1e18", "99999999999999999999999999"])
    func endsFarAwayAreKept(expires: String) async throws {
        #expect(try await verdict(Ground.claims(expires: expires)) == .client("checkout", expires: 1 << 53))
    }

    @Test(arguments: ["nbf", "iat"]) func tokensBegin(name: String) async throws {
        func at(_ value: String) async throws -> TokenVerdict { try await verdict(Ground.claims(#""\#(name)":\#(value),"#)) }
        for value in ["\(Ground.now + 30)", "0"] {
            let verdict = try await at(value)
            #expect(isBelieved(verdict), "\(value)")
        }
        for value in ["\(Ground.now + 31)", "1e300", #""\#(Ground.now)""#, "null", "[]"] {
            #expect(try await at(value) == .refused(.early), "\(value)")
        }
    }

    // MARK: - Clients

    @Test func theFirstClientCounts() async throws {
        let groups = #""groups":["x","pay-eu"],"#
        #expect(try await verdict(Ground.claims(groups)) == .client("checkout", expires: Ground.now + 90))
        #expect(try await verdict(Ground.claims(groups, sub: "other")) == .client("team", expires: Ground.now + 90))
        #expect(try await verdict(Ground.claims(#""groups":["x"],"#, sub: "other")) == .refused(.unknownClient))
        #expect(try await verdict(Ground.claims(sub: "Checkout")) == .refused(.unknownClient))
    }

    @Test(arguments: [
        ("realm_access.roles", "admin", #""realm_access":{"roles":["user","admin"]},"#, true),
        ("realm_access.roles", "admin", #""realm_access":{"roles":["user"]},"#, false),
        ("realm_access.roles", "admin", #""realm_access":"roles","#, false),
        ("realm_access.roles", "admin", #""realm_access":[{"roles":"admin"}],"#, false),
        ("realm_access.roles", "admin", #""realm_access.roles":"admin","#, true),
        ("https://shop.example/team", "pay", #""https://shop.example/team":"pay","#, true),
        ("https://shop.example/a.b", "pay", #""https://shop.example/a":{"b":"pay"},"#, true),
        ("a.b.c", "x", #""a":{"b":{"c":"x"}},"#, true), ("a.b.c", "x", #""a":{"b.c":"x"},"#, true),
        ("a.b.c", "x", #""a.b":{"c":"x"},"#, true), ("a.b.c", "x", #""a":{"b":{"c":{"d":"x"}}},"#, false),
        ("a.b", "x", #""a":{"b":null},"#, false), ("a..b", "x", #""a":{"b":"x"},"#, false), (".", "x", #""":{"":"x"},"#, true),
        ("n", "42", #""n":42,"#, true), ("n", "42", #""n":42.5,"#, false), ("n", "4?", #""n":[1,42],"#, true),
        ("n", "true", #""n":true,"#, true), ("n", "*", #""n":null,"#, false), ("n", "*", #""n":[],"#, false),
        ("n", "*", #""n":{"x":"y"},"#, false), ("n", "*", #""n":[["x"]],"#, false), ("n", "*", #""n":"","#, true),
        ("n", "*", "", false), ("n", "pay-*", #""n":"PAY-eu","#, false), ("n", "pay-*", #""n":"xpay-eu","#, false),
        ("n", "é?", #""n":"é€","#, true), ("n", "1e300", #""n":1e300,"#, false),
    ])
    func claimsAreMatched(name: String, pattern: String, claims: String, expected: Bool) async throws {
        let clients = [Client(name: "c", tokens: [TokenMatch(issuer: "corp", claims: [name: [pattern]])])]
        let checker = Ground.checker([.hs256], [.secret(Ground.secret)], clients: clients)
        let verdict = await checker.check(try await Ground.token(Ground.claims(claims)))
        #expect(verdict == (expected ? .client("c", expires: Ground.now + 90) : .refused(.unknownClient)))
    }

    @Test func everyClaimAndAnyPattern() async throws {
        let match = TokenMatch(issuer: "corp", claims: ["sub": ["a", "check*"], "x": ["1"]])
        let other = TokenMatch(issuer: "corp", claims: ["y": ["1"]])
        let empty = [TokenMatch(issuer: "corp", claims: [:]), TokenMatch(issuer: "corp", claims: ["sub": []])]
        let clients = [Client(name: "e", tokens: empty), Client(name: "c", tokens: [match, other])]
        let checker = Ground.checker([.hs256], [.secret(Ground.secret)], clients: clients)
        func verdict(_ more: String) async throws -> TokenVerdict {
            await checker.check(try await Ground.token(Ground.claims(more)))
        }
        #expect(try await verdict(#""x":"1","#) == .client("c", expires: Ground.now + 90))
        #expect(try await verdict(#""y":"1","#) == .client("c", expires: Ground.now + 90))
        #expect(try await verdict("") == .refused(.unknownClient), "who asks nothing is nobody")
    }

    @Test func othersTokensAreNotMeant() async throws {
        let clients = [Client(name: "c", tokens: [TokenMatch(issuer: "elsewhere", claims: ["sub": ["*"]])])]
        let checker = Ground.checker([.hs256], [.secret(Ground.secret)], clients: clients)
        #expect(await checker.check(try await Ground.token(Ground.claims())) == .refused(.unknownClient))
    }
}
