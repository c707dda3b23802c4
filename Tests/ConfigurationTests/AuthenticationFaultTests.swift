import Catalog
import Configuration
import Identity
import Testing

/// What is said of faulty proofs, and that no message repeats a secret.
@Suite struct AuthenticationFaultTests {
    private let form =
        "must be ${file:/path}, ${env:NAME} or the stored form, mbk1:…, that `modelbroker key new --offline` prints: "
        + "whoever reads this file would read a key in it"

    @Test func anonymousNeedsSomebody() {
        #expect(
            faults("anonymous: deny\n") == ["line 1: anonymous: needs clients: without them nobody is asked who they are"])
        #expect(
            faults("anonymous: chekout\nclients: {checkout: {}}\n") == [
                "line 1: anonymous: \"chekout\" is not deny, and is not under clients; did you mean checkout?"
            ])
        #expect(faults("anonymous:\nclients: {a: {}}\n") == ["line 1: anonymous: has no value"])
    }

    @Test func plainKeysAreRefusedAndNeverRepeated() throws {
        let secret = "sk-live-0123456789"
        let stored = KeyDigest.stored(try #require(NewKey(id: "a")).key)
        let found = faults(
            """
            clients:
              a:
                keys:
                  - \(secret)
                  - {key: \(secret), id: x}
                  - "${env:K}\(secret)"
                  - "\(stored)\(secret)"
                  - {\(secret): 1}
                  - {kye: "${env:K}"}
                  - [\(secret)]
                  -
                  - {expires: 2027-01-01}
              b: {keys: {\(secret): \(secret)}}
            """, environment: ["K": secret])
        #expect(
            found == [
                "line 4: clients.a.keys[0]: \(form)", "line 5: clients.a.keys[1].key: \(form)",
                "line 6: clients.a.keys[2]: \(form)",
                "line 7: clients.a.keys[3]: is no stored key; it is mbk1:ID:SALT:DIGEST, as `modelbroker key new --offline` prints it",
                "line 8: clients.a.keys[4]: has a key of the mapping that is not known; accepted here: key, id, notBefore, expires",
                "line 8: clients.a.keys[4]: has no key; write {key: \"${file:/path}\", expires: 2027-01-01}",
                "line 9: clients.a.keys[5].kye: is not a known key; did you mean key?",
                "line 9: clients.a.keys[5]: has no key; write {key: \"${file:/path}\", expires: 2027-01-01}",
                "line 10: clients.a.keys[6]: \(form)", "line 11: clients.a.keys[7]: has no value",
                "line 12: clients.a.keys[8]: has no key; write {key: \"${file:/path}\", expires: 2027-01-01}",
                "line 13: clients.b.keys: has a key of the mapping that is not known; accepted here: key, id, notBefore, expires",
                "line 13: clients.b.keys: has no key; write {key: \"${file:/path}\", expires: 2027-01-01}",
            ])
    }

    @Test func keysThatAreNone() throws {
        try Scratch.with { scratch in
            let short = try scratch.write("hunter2\n", to: "short")
            let long = try scratch.write(String(repeating: "x", count: 1_025), to: "long")
            let spaced = try scratch.write("a key with blanks in it", to: "spaced")
            let none = "\(scratch.path)/none"
            let stored = try scratch.write("mbk1:a:00:00", to: "stored")
            let found = faults(
                "clients: {a: {keys: [" + [short, long, spaced, none, stored].map { "\"${file:\($0)}\"" }.joined(separator: ", ")
                    + ", \"${env:EMPTY}\"]}}\n", environment: ["EMPTY": ""])
            func place(_ index: Int, _ path: String) -> String { "line 1: clients.a.keys[\(index)]: \"${file:\(path)}\" " }
            #expect(
                found == [
                    place(0, short) + "stands for a text that is shorter than 16 bytes; a key that short can be guessed",
                    place(1, long) + "stands for a text that is longer than 1024 bytes",
                    place(2, spaced) + "stands for a text that has a character that no header can carry",
                    place(3, none) + "cannot be resolved: ${file:\(none)} cannot be opened: No such file or directory",
                    place(4, stored) + "stands for something that is no stored key",
                    "line 1: clients.a.keys[5]: \"${env:EMPTY}\" stands for a text that is shorter than 16 bytes; a key that short can be guessed",
                ])
        }
    }

    @Test func aKeyBelongsToOneClient() throws {
        let new = try #require(NewKey(id: "made"))
        let found = faults(
            """
            clients:
              a: {keys: ["${env:K}", "${env:L}", {key: "${env:M}", id: ci}]}
              b:
                keys: ["${env:SAME}"]
              c: {keys: ["\(KeyDigest.stored(new.key))", {key: "${env:N}", id: ci}]}
              d: {keys: "${env:MADE}"}
              e: {keys: {key: "\(KeyDigest.stored(new.key))", id: other}}
            """,
            environment: [
                "K": "0123456789abcdef", "L": "0123456789abcdeg", "M": "0123456789abcdeh", "SAME": "0123456789abcdef",
                "N": "0123456789abcdei", "MADE": new.secret.reveal,
            ])
        #expect(
            found == [
                "line 4: clients.b.keys[0]: stands for the same key as clients.a.keys[0] on line 2; a key belongs to one client",
                "line 5: clients.c.keys[1].key: has the id \"ci\", as clients.a.keys[2].key on line 2 has; ids are unique",
                "line 6: clients.d.keys: has the id \"made\", as clients.c.keys[0] on line 5 has; ids are unique",
                "line 7: clients.e.keys.id: \"other\" is another id than the one that the key has itself; leave it out",
                "line 7: clients.e.keys.key: stands for the same key as clients.c.keys[0] on line 5; a key belongs to one client",
            ])
    }

    @Test func timesOfKeys() {
        let found = faults(
            """
            clients:
              a:
                keys:
                  - {key: "${env:K}", id: a/b, notBefore: tomorrow, expires: 2026-02-30}
                  - {key: "${env:L}", notBefore: 2027-01-01, expires: 2027-01-01T00:00:00Z}
            """, environment: ["K": "0123456789abcdef", "L": "0123456789abcdeg"])
        #expect(
            found == [
                "line 4: clients.a.keys[0].id: \"a/b\" is not a name: 1 to 63 letters, digits, dots, underscores or hyphens",
                "line 4: clients.a.keys[0].notBefore: \"tomorrow\" is not \(DateText.form)",
                "line 4: clients.a.keys[0].expires: \"2026-02-30\" is not \(DateText.form)",
                "line 5: clients.a.keys[1].expires: \"2027-01-01T00:00:00Z\" is not after notBefore, \"2027-01-01\"",
            ])
    }

    @Test func issuers() throws {
        let secret = "a-secret-that-is-long-enough-for-it"
        let found = faults(
            """
            issuers:
              none:
              text: https://x
              a b: {issuer: x, algorithms: [RS256], keys: {file: /dev/null}}
              two: {issuer: y, algorithms: [none, RS256, HS512], audience: [], keys: {url: "https://h/j", file: /x}}
              plain: {issuer: z, algorithms: [RS256], keys: {url: "http://h/j", refresh: 500ms, ca: jwks}}
              mixed: {issuer: q, algorithms: [HS256, RS256], keys: {secret: "${env:S}"}}
              public: {issuer: q, algorithms: [HS256], keys: {url: "https://h/j#x"}}
              open: {issuer: r, algorithms: [HS256], keys: {secret: \(secret)}}
              short: {issuer: s, algorithms: [HS256], keys: {secret: "${env:T}", refresh: 1m}, leeway: 6m, claim: x}
              empty: {issuer: t, algorithms: , keys: }
            """, environment: ["S": secret, "T": "too-short"])
        let keys = "write keys: {url: \"https://…/jwks.json\"}, {file: /path} or {secret: \"${file:/path}\"}"
        let exactly = "needs exactly one of url, file and secret; \(keys)"
        let algorithms = "has no algorithms; write those that its tokens are signed with, as [RS256]"
        #expect(
            found == [
                "line 2: issuers.none: has no issuer; write what the tokens have as iss, as https://sso.example",
                "line 2: issuers.none: \(algorithms)", "line 2: issuers.none: has no keys; \(keys)",
                "line 3: issuers.text: must be a mapping of keys and values: issuer, audience, algorithms, keys, leeway",
                "line 4: issuers.\"a b\": \"a b\" is not a name: 1 to 63 letters, digits, dots, underscores or hyphens",
                "line 4: issuers.\"a b\".keys.file: \"/dev/null\" is not a regular file",
                "line 5: issuers.two.audience: names no audience; leave it out to take any",
                "line 5: issuers.two.algorithms[0]: \"none\" is not HS256 or RS256 or ES256 or EdDSA",
                "line 5: issuers.two.algorithms[2]: \"HS512\" is not HS256 or RS256 or ES256 or EdDSA",
                "line 5: issuers.two.keys: \(exactly)",
                "line 6: issuers.plain.keys.refresh: \"500ms\" is not from 1s to 24h",
                "line 6: issuers.plain.keys.ca: \"jwks\" is not an absolute path",
                "line 6: issuers.plain.keys.url: \"http://h/j\" is not https, and whoever is on the way could put keys of its own in it",
                "line 7: issuers.mixed.algorithms[1]: \"RS256\" cannot be checked with a secret, which only HS256 has",
                "line 8: issuers.public.issuer: \"q\" is an issuer already, issuers.mixed.issuer on line 7",
                "line 8: issuers.public.keys.url: \"https://h/j#x\" has a fragment; write http://HOST:PORT or http://HOST:PORT/PREFIX",
                "line 9: issuers.open.keys.secret: must be one reference, ${file:/path} or ${env:NAME}: "
                    + "whoever reads this file would read the secret in it",
                "line 10: issuers.short.claim: is not a known key; accepted here: issuer, audience, algorithms, keys, leeway",
                "line 10: issuers.short.keys.refresh: has no meaning without url; leave it out",
                "line 10: issuers.short.keys.secret: \"${env:T}\" stands for a text shorter than 32 bytes, with which HS256 is not safe",
                "line 10: issuers.short.leeway: \"6m\" is not from 0s to 5m",
                "line 11: issuers.empty.algorithms: \(algorithms)", "line 11: issuers.empty.keys: \(exactly)",
            ])
    }

    /// An RSA key's public half must not become HS256's secret.
    @Test func publicKeysAreNoSecrets() throws {
        try Scratch.with { scratch in
            let file = try scratch.write("-----BEGIN PUBLIC KEY-----\n", to: "k.pem")
            #expect(
                faults("issuers: {a: {issuer: x, algorithms: [RS256, HS256], keys: {file: \(file)}}}\n") == [
                    "line 1: issuers.a.algorithms[1]: \"HS256\" needs keys: {secret: …}"
                ])
        }
    }

    @Test func tokensAndCertificates() {
        let found = faults(
            """
            issuers: {corp: {issuer: x, algorithms: [HS256], keys: {secret: "${env:S}"}}}
            clients:
              a: {tokens: [{issuer: crop, claims: {sub: a}}, {issuer: corp}, {issuer: corp, claims: {}}, {claims: {sub: , "": x, a..b: y}}, ~, x]}
              b: {tokens: {issuer: corp, claims: []}, certificates: ["*", "dns:", checkout, "CN=a", "=b", "CN=a,b"]}
              c: {certificates: "CN=a"}
            """, environment: ["S": String(repeating: "s", count: 32)])
        let everybody = "so that everybody whom the issuer knows would be this client"
        let certificate = "is neither a subject, as CN=checkout,O=shop, nor dns:…, uri:…, email:… or ip:…"
        let form = "write {issuer: NAME, claims: {sub: checkout}}"
        let claim = "is not the name of a claim, as sub or realm_access.roles"
        #expect(
            found == [
                "line 3: clients.a.tokens[0].issuer: \"crop\" is not under issuers; did you mean corp?",
                "line 3: clients.a.tokens[1]: has no claims, \(everybody); \(form)",
                "line 3: clients.a.tokens[2].claims: names no claim, \(everybody)",
                "line 3: clients.a.tokens[3]: has no issuer; \(form)",
                "line 3: clients.a.tokens[3].claims.sub: names no value; \"*\" is any",
                "line 3: clients.a.tokens[3].claims.\"\": \"\" \(claim)",
                "line 3: clients.a.tokens[3].claims.\"a..b\": \"a..b\" \(claim)",
                "line 3: clients.a.tokens[4]: is empty; \(form)",
                "line 3: clients.a.tokens[5]: must be a mapping of keys and values: issuer, claims",
                "line 4: clients.b.tokens.claims: must be a mapping of claims, as {sub: checkout}; it is a list",
                "line 4: clients.b.certificates[0]: \"*\" \(certificate)",
                "line 4: clients.b.certificates[1]: \"dns:\" names nothing behind the colon",
                "line 4: clients.b.certificates[2]: \"checkout\" \(certificate)",
                "line 4: clients.b.certificates[4]: \"=b\" \(certificate)",
                "line 4: clients.b.certificates[5]: \"CN=a,b\" \(certificate)",
                "line 5: clients.c.certificates: \"CN=a\" is a certificate already, clients.b.certificates[3] on line 4: "
                    + "a certificate belongs to one client",
            ])
    }

    @Test func entrancesWithTLS() throws {
        try Scratch.with { scratch in
            let file = try scratch.write("x", to: "file")
            let form = "write {listen: \"0.0.0.0:8443\", tls: {certificate: /path/tls.crt, key: /path/tls.key}}"
            let found = faults(
                """
                node:
                  gateway:
                    - {listen: 127.0.0.1:1, tls: }
                    - {tls: {certificate: \(file), key: tls.key}}
                    - {listen: 127.0.0.1, tls: {certificate: \(scratch.path)/none, key: \(scratch.path), clientCertificates: maybe}}
                    - {listen: 127.0.0.1:2, tls: {certificate: \(file), key: \(file), clientCertificates: required, ca: x}}
                    - {listen: 127.0.0.1:3, tls: yes}
                    - {listen: 127.0.0.1:15020, tls: {certificate: \(file), key: \(file)}}
                """)
            #expect(
                found == [
                    "line 3: node.gateway[0].tls: has no certificate; \(form)",
                    "line 3: node.gateway[0].tls: has no key; \(form)",
                    "line 4: node.gateway[1]: has no listen; \(form)",
                    "line 4: node.gateway[1].tls.key: \"tls.key\" is not an absolute path",
                    "line 5: node.gateway[2].listen: \"127.0.0.1\" has no port; write ADDRESS:PORT, as 127.0.0.1:8080 or [::1]:8080",
                    "line 5: node.gateway[2].tls.certificate: \"\(scratch.path)/none\" cannot be opened: No such file or directory",
                    "line 5: node.gateway[2].tls.key: \"\(scratch.path)\" is not a regular file",
                    "line 5: node.gateway[2].tls.clientCertificates: \"maybe\" is not off or optional or required",
                    "line 6: node.gateway[3].tls.ca: is not a known key; accepted here: certificate, key, clientCA, clientCertificates",
                    "line 6: node.gateway[3].tls.clientCertificates: needs clientCA: the file of authorities whose certificates prove a caller",
                    "line 7: node.gateway[4].tls: must be a mapping of keys and values: certificate, key, clientCA, clientCertificates",
                    "line 8: node.gateway[5].listen: takes the same address and port as the default 127.0.0.1:15020 of node.admin",
                ])
        }
    }

    @Test func forwardingAndConflicts() {
        let found = faults(
            """
            models: {m: {forwardCredentials: yes, endpoints: [{url: http://h, key: "${env:K}", forwardCredentials: true}]}}
            capture:
              - {name: a, to: 10.0.0.1:1, onConflict: both}
              - {name: b, to: 10.0.0.2:1, path: direct, model: m, onConflict: workload}
            """, environment: ["K": "k"])
        #expect(
            found == [
                "line 1: models.m.forwardCredentials: \"yes\" is not true or false",
                "line 1: models.m.endpoints[0].forwardCredentials: has no meaning with key, which is sent instead of the "
                    + "caller's credentials",
                "line 3: capture[0].onConflict: \"both\" is not deny or workload or credentials",
                "line 4: capture[1].onConflict: has no meaning with path direct: no proxy sees what is sent; leave it out",
            ])
    }

    @Test func thereAreOnlySoMany() {
        let keys = (0..<65_537).map { _ in "\"${env:K}\"" }.joined(separator: ",")
        let found = faults("clients: {a: {keys: [\(keys)]}}\n", environment: ["K": "0123456789abcdef"])
        #expect(found == ["line 1: clients: have 65537 keys; at most 65536 are possible, of all clients together"])
        let issuers = (0..<65).map { "i\($0): {}" }.joined(separator: ", ")
        #expect(faults("issuers: {\(issuers)}\n") == ["line 1: issuers: has 65 issuers; at most 64 are possible"])
    }
}
