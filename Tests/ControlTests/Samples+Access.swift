import Catalog
import Control

extension Samples {
    static var secureGateway: [SecureListener] {
        [
            SecureListener(
                address: v4, certificateFile: "/c.pem", keyFile: "/k.pem", clientAuthorityFile: "/a.pem",
                clientCertificates: .required),
            SecureListener(address: v6, certificateFile: "", keyFile: ""),
        ]
    }

    /// Every limit there is.
    static var allowance: Allowance {
        var allowance = Allowance(quotas: [
            Quota(1, .requests, per: .day, alertAt: 1, onExhausted: .rotate), Quota(.max, .tokens, per: .month, alertAt: 100),
            Quota(0, .cost, per: .day, alertAt: 0, onExhausted: .lowPriority),
        ])
        allowance.requests = Rate(2, per: .minute)
        allowance.tokens = Rate(3, per: .hour)
        allowance.inputTokens = Rate(4, per: .day)
        allowance.outputTokens = .unlimited
        allowance.burst = 5
        allowance.concurrent = 6
        allowance.requestBytes = 7
        allowance.tokensPerRequest = .max
        return allowance
    }

    /// One limit each.
    static var allowances: [Allowance] {
        let rates: [WritableKeyPath<Allowance, Rate?>] = [\.requests, \.tokens, \.inputTokens, \.outputTokens]
        let numbers: [WritableKeyPath<Allowance, UInt64?>] = [\.burst, \.concurrent, \.requestBytes, \.tokensPerRequest]
        return rates.map { allowance(with: $0, Rate(0, per: .second)) } + numbers.map { allowance(with: $0, 0) }
            + [Allowance(quotas: [Quota(1, .tokens, per: .day)])]
    }

    private static func allowance<Limit>(with field: WritableKeyPath<Allowance, Limit?>, _ limit: Limit) -> Allowance {
        var allowance = Allowance()
        allowance[keyPath: field] = limit
        return allowance
    }

    static var accessRule: AccessRule {
        AccessRule(
            names: ["llama-*", "", "?"], operations: Operations([.chat, .admin]),
            times: [TimeWindow(days: 0x3E, from: 480, to: 1080), TimeWindow(days: 0, from: 1439, to: 0), TimeWindow()],
            name: "hours")
    }

    static var apiKeys: [APIKey] {
        [
            APIKey(id: "k1", salt: [1, 2, 0], digest: [UInt8](repeating: 0xA5, count: 32), notBefore: -1, expires: .max),
            APIKey(id: "k2", salt: [], digest: [], expires: .min), APIKey(id: "", salt: [], digest: [], notBefore: 0),
        ]
    }

    static var client: Client {
        Client(
            name: "c", workloads: ["/a", "/b/**"], allow: [accessRule, "llama"],
            deny: [AccessRule(names: ["y"], operations: .all), AccessRule(names: [], operations: [])], keys: apiKeys,
            tokens: [
                TokenMatch(issuer: "sso", claims: ["realm.roles": ["a*", ""], "aud": [], "é": ["x"]]),
                TokenMatch(issuer: "", claims: [:]),
            ],
            certificates: ["CN=c,O=ü", "dns:*.c"], allowance: allowance,
            modelAllowances: ["llama": allowances[0], "": Allowance(), "zephyr": allowances[8]],
            perSession: SessionAllowance(key: .header("x-chat"), allowance: allowances[4], lifetimeRequests: 9),
            perAddress: allowances[5], group: "gold")
    }

    static var issuer: Issuer {
        Issuer(
            name: "sso", issuer: "https://sso", audience: ["a", "b"], algorithms: Issuer.Algorithm.allCases, keys: .file(""),
            leeway: 61)
    }

    static var firewallRule: FirewallRule {
        FirewallRule(name: "f", method: "^(GET|PUT)$", path: "/v1", model: "m+", bodyAbove: .max, clients: ["c", ""])
    }

    static var audit: Audit { Audit(level: .full, sink: .standardOutput, bodyLimit: 4097) }

    static var accessCatalog: Catalog {
        Catalog(
            node: Node(secureGateway: secureGateway), clients: [client, Client(name: "d", allow: []), Client(name: "e")],
            authentication: Authentication(
                anonymous: .client("d"), issuers: [issuer, Issuer(name: "", issuer: "", algorithms: [], keys: .file(""))]),
            firewall: [firewallRule, FirewallRule(name: "")], audit: audit)
    }

    /// What may be missing, or be one of several, with and without.
    static var accessVariants: [Catalog] {
        let authentications = [Authentication(anonymous: .deny), Authentication(anonymous: .client(""))]
        let sessions = [SessionPolicy.Key.user, .client].map {
            Client(name: "s", perSession: SessionAllowance(key: $0, allowance: Allowance()))
        }
        let rules = [
            FirewallRule(name: "", method: ""), FirewallRule(name: "", path: ""), FirewallRule(name: "", model: ""),
            FirewallRule(name: "", bodyAbove: 0), FirewallRule(name: "", clients: [""]),
        ]
        return authentications.map { Catalog(authentication: $0) }
            + [
                Catalog(
                    models: [Model(name: "p", endpoints: [], price: Price(input: .max, output: 0))], clients: sessions,
                    firewall: rules, audit: Audit(level: .summary, sink: .standardOutput, bodyLimit: 0)),
                // Limits that are counted in no account, or are not there.
                Catalog(
                    models: [Model(name: "n", endpoints: [], contextLength: 0)],
                    clients: allowances.map { Client(name: "l", allowance: $0) } + [Client(name: "l", perAddress: Allowance())],
                    audit: Audit(sink: .standardOutput)),
            ]
    }

    static var credentials: Credentials {
        Credentials(
            keySets: [
                KeySet(issuer: "sso", form: .jwks, document: Secret("{}")),
                KeySet(issuer: "ü", form: .pem, document: Secret("P")),
                KeySet(issuer: "", form: .secret, document: Secret("")),
            ],
            certificates: [
                ListenerCertificate(address: v4, chain: "C", key: Secret("K"), clientAuthorities: "A"),
                ListenerCertificate(address: v6, chain: "", key: Secret("")),
            ],
            keys: [ManagedKey(client: "c", key: apiKeys[0]), ManagedKey(client: "", key: apiKeys[2])])
    }

    /// Each kind of credential alone.
    static var credentialVariants: [Credentials] {
        [
            Credentials(keySets: credentials.keySets), Credentials(certificates: credentials.certificates),
            Credentials(keys: credentials.keys),
        ]
    }
}
