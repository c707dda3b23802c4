import Catalog
import Control
import Testing
import Tokens

/// An issuer, two clients, and tokens of theirs at one time.
struct Ground {
    static let now: Int64 = 1_800_000_000
    static let secret = "a secret of more than thirty-two bytes, for HS256"

    static func issuer(
        _ algorithms: [Issuer.Algorithm], audience: [String] = ["modelbroker"], name: String = "corp",
        issuer: String = "https://sso.example"
    ) -> Issuer {
        Issuer(name: name, issuer: issuer, audience: audience, algorithms: algorithms, keys: .file("/keys"), leeway: 30)
    }

    static let clients = [
        Client(name: "checkout", tokens: [TokenMatch(issuer: "corp", claims: ["sub": ["checkout"]])]),
        Client(name: "team", tokens: [TokenMatch(issuer: "corp", claims: ["sub": ["*"], "groups": ["pay-*"]])]),
    ]

    /// - Parameter more: further members, which come first: `"nbf":1,`.
    static func claims(
        _ more: String = "", sub: String = "checkout", issuer: String = #""https://sso.example""#,
        audience: String = #""modelbroker""#,
        expires: String = "\(now + 60)"
    ) -> String {
        #"{\#(more)"iss":\#(issuer),"aud":\#(audience),"sub":"\#(sub)","exp":\#(expires)}"#
    }

    static func checker(
        _ algorithms: [Issuer.Algorithm], _ keySets: [KeySet], audience: [String] = ["modelbroker"],
        clients: [Client] = Ground.clients
    ) -> TokenChecker {
        TokenChecker.make(issuers: [issuer(algorithms, audience: audience)], keySets: keySets, clients: clients).checker
    }

    /// One that believes HS256 with `secret`.
    static var plain: TokenChecker { checker([.hs256], [.secret(secret)]) }

    static func token(_ claims: String, header: String? = nil) async throws -> String {
        try await TestKey.secret(secret).token(claims, header: header)
    }
}

extension TokenChecker {
    func check(_ token: String, at epoch: Int64 = Ground.now) async -> TokenVerdict {
        await check(Array(token.utf8), epoch: epoch)
    }
}
