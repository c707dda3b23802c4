import Catalog
import Configuration
import Identity
import Testing

/// How callers prove who they are, as the configuration says it.
@Suite struct AuthenticationReadingTests {
    private static let secret = "k-0123456789abcdef"

    @Test func withoutClientsNobodyIsAsked() throws {
        #expect(try catalog("models: {m: {endpoints: [http://h]}}").authentication == Authentication())
        #expect(try catalog("clients:\n").authentication.anonymous == .open)
        #expect(try catalog("clients: {}\n").authentication.anonymous == .deny)
        #expect(try catalog("clients: {a: {}}\n").authentication.anonymous == .deny)
        #expect(try catalog("clients: {a: {}}\nanonymous: deny\n").authentication.anonymous == .deny)
        #expect(try catalog("anonymous: a\nclients: {a: {}}\n").authentication.anonymous == .client("a"))
    }

    @Test func keysAreDigestedWhileTheyAreRead() throws {
        let new = try #require(NewKey(id: "deploy"))
        let stored = KeyDigest.stored(new.key)
        let parsed = try catalog(
            """
            clients:
              checkout:
                keys:
                  - "${env:ONE}"
                  - {key: "${env:TWO}", id: ci, notBefore: 2026-01-01, expires: "2027-01-01T02:00:00+02:00"}
                  - "\(stored)"
                  - "${env:MADE}"
                  - {key: "${env:STORED}", expires: 2030-06-30}
              batch: {keys: "${env:THREE}"}
            """,
            environment: [
                "ONE": Self.secret, "TWO": "another-key-of-ours", "THREE": "the-third-of-them!\n",
                "MADE": try #require(NewKey(id: "made")).secret.reveal,
                "STORED": KeyDigest.stored(try #require(NewKey(id: "kept")).key),
            ])
        let keys = try #require(parsed.clients.first).keys
        #expect(keys.map(\.id) == ["checkout/1", "ci", "deploy", "made", "kept"])
        #expect(keys[0] == KeyDigest.shared(id: "checkout/1", key: Self.secret))
        #expect(keys[1].notBefore == 1_767_225_600 && keys[1].expires == 1_798_761_600)
        #expect(keys[2] == new.key)
        #expect(keys[4].expires == 1_909_008_000)
        #expect(parsed.clients.last?.keys == [KeyDigest.shared(id: "batch/1", key: "the-third-of-them!")])
        #expect(!"\(parsed)".contains(Self.secret))
    }

    @Test func issuersAndTokens() throws {
        try Scratch.with { scratch in
            let document = try scratch.write("{}", to: "jwks.json")
            let authorities = try scratch.write("-----BEGIN CERTIFICATE-----\n", to: "ca.pem")
            let parsed = try catalog(
                """
                issuers:
                  corp: {issuer: "https://sso.example", audience: [modelbroker, mb], algorithms: [RS256, ES256], leeway: 5s,
                         keys: {url: "https://sso.example/jwks.json?v=1", refresh: 1h, ca: "\(authorities)"}}
                  local: {issuer: local, algorithms: EdDSA, keys: {file: "\(document)"}}
                  test: {issuer: test, algorithms: [HS256], keys: {secret: "${env:HS}"}}
                  here: {issuer: here, algorithms: [RS256], keys: {url: "http://127.0.0.1:9000/jwks"}}
                clients:
                  a: {tokens: [{issuer: corp, claims: {sub: checkout, realm_access.roles: ["pay-*", ops]}}, {issuer: local, claims: {sub: a}}]}
                  b: {tokens: {issuer: test, claims: {sub: "*"}}, certificates: ["CN=checkout,O=shop", "dns:checkout.*", "uri:spiffe://x/*"]}
                """, environment: ["HS": String(repeating: "s", count: 32)])
            let issuers = parsed.authentication.issuers
            #expect(
                issuers == [
                    Issuer(
                        name: "corp", issuer: "https://sso.example", audience: ["modelbroker", "mb"],
                        algorithms: [.rs256, .es256],
                        keys: .url("https://sso.example/jwks.json?v=1", refresh: 3_600, caFile: authorities), leeway: 5),
                    Issuer(name: "local", issuer: "local", algorithms: [.edDSA], keys: .file(document)),
                    Issuer(
                        name: "test", issuer: "test", algorithms: [.hs256],
                        keys: .secret(Secret(String(repeating: "s", count: 32)))),
                    Issuer(
                        name: "here", issuer: "here", algorithms: [.rs256],
                        keys: .url("http://127.0.0.1:9000/jwks", refresh: 600, caFile: nil)),
                ])
            #expect(
                parsed.clients.map(\.tokens) == [
                    [
                        TokenMatch(issuer: "corp", claims: ["sub": ["checkout"], "realm_access.roles": ["pay-*", "ops"]]),
                        TokenMatch(issuer: "local", claims: ["sub": ["a"]]),
                    ], [TokenMatch(issuer: "test", claims: ["sub": ["*"]])],
                ])
            #expect(parsed.clients.last?.certificates == ["CN=checkout,O=shop", "dns:checkout.*", "uri:spiffe://x/*"])
        }
    }

    @Test func entrancesWithTLS() throws {
        try Scratch.with { scratch in
            let (certificate, key) = (try scratch.write("c", to: "tls.crt"), try scratch.write("k", to: "tls.key"))
            let authorities = try scratch.write("a", to: "ca.crt")
            let tls = "certificate: \(certificate), key: \(key)"
            let node = try catalog(
                """
                node:
                  gateway:
                    - 127.0.0.1:8080
                    - {listen: 127.0.0.1:8443, tls: {\(tls)}}
                    - {listen: 127.0.0.1:8081}
                    - {listen: 127.0.0.1:8444, tls: {\(tls), clientCA: \(authorities)}}
                    - {listen: "[::1]:8444", tls: {\(tls), clientCA: \(authorities), clientCertificates: required}}
                """
            ).node
            #expect(node.gateway.map(\.description) == ["127.0.0.1:8080", "127.0.0.1:8081"])
            #expect(node.secureGateway.map(\.address.description) == ["127.0.0.1:8443", "127.0.0.1:8444", "[::1]:8444"])
            #expect(node.secureGateway.map(\.clientCertificates) == [.off, .optional, .required])
            #expect(node.secureGateway.map(\.clientAuthorityFile) == [nil, authorities, authorities])
            #expect(node.secureGateway.allSatisfy { $0.certificateFile == certificate && $0.keyFile == key })
            let one = try catalog("node: {gateway: {listen: 127.0.0.1:8443, tls: {\(tls)}}}").node
            #expect(one.gateway.isEmpty && one.secureGateway.count == 1)
        }
    }

    @Test func whoACapturedCallerIs() throws {
        let rules = try catalog(
            "capture: [{name: a, to: 10.0.0.1:1}, {name: b, to: 10.0.0.2:1, onConflict: workload}, "
                + "{name: c, to: 10.0.0.3:1, onConflict: credentials}]"
        ).rules
        #expect(rules.map(\.onConflict) == [.deny, .workload, .credentials])
    }

    @Test func whereTheCallersCredentialsGo() throws {
        let models = try catalog(
            """
            models:
              a: {endpoints: [http://h, {url: http://i, forwardCredentials: true}]}
              b: {forwardCredentials: true, endpoints: [http://h, {url: http://i, forwardCredentials: false}], fallback: [http://j]}
            """
        ).models
        #expect(models.map { $0.endpoints.map(\.forwardsCredentials) } == [[false, true], [true, false]])
        #expect(models.last?.fallback.map(\.forwardsCredentials) == [true])
    }

    @Test(
        arguments: [
            ("1970-01-01", 0), ("2026-02-28", 1_772_236_800), ("2028-02-29", 1_835_395_200),
            ("2027-01-01T00:00:00Z", 1_798_761_600),
            ("2027-01-01t00:00:00.25z", 1_798_761_600), ("2027-01-01T02:30:00+02:30", 1_798_761_600),
            ("2026-12-31T19:00:00-05:00", 1_798_761_600), ("9999-12-31", 253_402_214_400),
        ] as [(String, Int64)])
    func moments(text: String, expected: Int64) {
        #expect(DateText.seconds(text) == expected)
    }

    @Test(arguments: [
        "", "2026", "2026-1-1", "2026-13-01", "2026-00-10", "2026-02-29", "2026-04-31", "1969-12-31", "2026-01-01T",
        "2026-01-01 00:00:00Z",
        "2026-01-01T24:00:00Z", "2026-01-01T00:60:00Z", "2026-01-01T00:00:60Z", "2026-01-01T00:00:00", "2026-01-01T00:00:00.Z",
        "2026-01-01T00:00:00+2:00", "2026-01-01T00:00:00+24:00", "2026-01-01T00:00:00ZZ", "1970-01-01T00:00:00+01:00",
        "२०२६-01-01",
        "2026-01-01T00:00:00.1234567890Z", "+026-01-01",
    ])
    func noMoments(text: String) {
        #expect(DateText.seconds(text) == nil)
    }
}
