import Catalog
import Control
import Testing

/// The forms of what says who may come in: their fixed numbers, and what is refused.
@Suite struct AccessWireTests {
    /// A plain enumeration takes one byte, whose values are fixed; no other value is a case.
    private func check<Case: CaseIterable & Equatable>(
        _ cases: [Case], location: SourceLocation = #_sourceLocation, _ settings: (Case) -> ProxySettings
    ) throws {
        #expect(cases == Array(Case.allCases), sourceLocation: location)
        let forms = cases.map { AgentMessage.configure(settings($0)).encoded() }
        let size = forms[0].count
        try #require(forms.allSatisfy { $0.count == size }, sourceLocation: location)
        let place = try #require((0..<size).filter { forms[0][$0] != forms[1][$0] }.only, sourceLocation: location)
        for (number, form) in forms.enumerated() {
            #expect(Int(form[place]) == number, sourceLocation: location)
            let decoded = try AgentMessage(decoding: form)
            #expect(decoded == .configure(settings(cases[number])), sourceLocation: location)
        }
        var bad = forms[0]
        for tag in UInt8(cases.count)...UInt8.max {
            bad[place] = tag
            #expect(throws: WireError.unknownTag(tag), sourceLocation: location) { try AgentMessage(decoding: bad) }
        }
    }

    @Test func casesHaveFixedNumbers() throws {
        try check([CaptureRule.Conflict.deny, .workload, .credentials]) {
            Samples.configured(Catalog(rules: [CaptureRule(name: "r", to: [], onConflict: $0)]))
        }
        try check([SecureListener.ClientCertificates.off, .optional, .required]) {
            let listener = SecureListener(
                address: Samples.v4, certificateFile: "c", keyFile: "k", clientAuthorityFile: "a", clientCertificates: $0)
            return Samples.configured(Catalog(node: Node(secureGateway: [listener])))
        }
        try check([Audit.Level.metadata, .summary, .full]) {
            Samples.configured(Catalog(audit: Audit(level: $0, sink: .standardOutput)))
        }
        try check([KeySet.Form.jwks, .pem, .secret]) {
            Samples.configured(Catalog(), Credentials(keySets: [KeySet(issuer: "i", form: $0, document: Secret("d"))]))
        }
    }

    @Test func casesOfAllowancesHaveFixedNumbers() throws {
        func settings(_ quota: Quota) -> ProxySettings {
            Samples.configured(Catalog(clients: [Client(name: "c", allowance: Allowance(quotas: [quota]))]))
        }
        try check([Quota.Period.day, .month]) { settings(Quota(1, .cost, per: $0)) }
        try check([Quota.Unit.requests, .tokens, .cost]) { settings(Quota(1, $0, per: .day)) }
        try check([Quota.Exhausted.reject, .rotate, .lowPriority]) { settings(Quota(1, .cost, per: .day, onExhausted: $0)) }
        try check([Rate.Window.second, .minute, .hour, .day]) {
            var allowance = Allowance()
            allowance.tokens = Rate(7, per: $0)
            return Samples.configured(Catalog(models: [Model(name: "m", endpoints: [], allowance: allowance)]))
        }
    }

    /// The layout itself, so that it does not change unless the version does.
    @Test func theLayoutIsFixed() {
        let bytes = AgentMessage.configure(Samples.accessSettings).encoded()
        let parts: [[UInt8]] = [
            // A quota: limit, unit, period, percent, what then.
            [1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1], [0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 1, 1, 100, 0],
            // Rates of requests, tokens, tokens in, tokens out; what may come at once, and under way.
            [1, 2, 0, 0, 0, 0, 0, 0, 0, 1, 1, 3, 0, 0, 0, 0, 0, 0, 0, 2, 1, 4, 0, 0, 0, 0, 0, 0, 0, 3, 1, 255],
            [255, 0, 1, 5, 0, 0, 0, 0, 0, 0, 0, 1, 6, 0, 0, 0, 0, 0, 0, 0, 1, 7, 0, 0, 0, 0, 0, 0, 0, 1, 255],
            // Operations, count of times, days, minutes, name of an access rule.
            [0b10001, 3, 0, 0, 0, 0x3E, 0xE0, 1, 0x38, 4] + [0, 0x9F, 5, 0, 0] + [0x7F, 0, 0, 0xA0, 5] + text("hours"),
            // A key: name, salt, digest, times.
            text("k2") + [0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0x80],
            // Issuers: nobody's name, count, name, issuer.
            [3] + text("d") + [2, 0, 0, 0] + text("sso") + text("https://sso") + [2, 0, 0, 0] + text("a") + text("b"),
            text("f") + [1] + text("^(GET|PUT)$") + [1] + text("/v1") + [1] + text("m+") + [1, 255, 255],
            // Audit: there is one, level, bytes; no groups; the cookie and no slots, then key sets: issuer, form, document.
            [1, 2, 1, 16, 0, 0, 0, 0, 0, 0] + [0, 0, 0, 0] + [1, 0, 0, 0, 0, 0, 0, 0] + [0, 0, 0, 0] + [3, 0, 0, 0] + text("sso")
                + [0]
                + text("{}"),
            [4, 127, 64, 0, 10, 0x40, 0x1F] + text("C") + text("K") + [1] + text("A"),
            [4, 127, 64, 0, 10, 0x40, 0x1F] + text("/c.pem") + text("/k.pem") + [1] + text("/a.pem") + [2],
        ]
        for part in parts { #expect(bytes.places(of: part).isEmpty == false, "\(part)") }
    }

    /// Replaces the one place of some bytes in a configuration, which is a good one without that.
    private func decode(
        _ settings: ProxySettings, replacing part: [UInt8], with other: [UInt8], location: SourceLocation = #_sourceLocation
    ) throws -> AgentMessage {
        var bytes = AgentMessage.configure(settings).encoded()
        #expect(try AgentMessage(decoding: bytes) == .configure(settings), sourceLocation: location)
        let place = try #require(bytes.places(of: part).only, sourceLocation: location)
        bytes.replaceSubrange(place..<place + part.count, with: other)
        return try AgentMessage(decoding: bytes)
    }

    private func text(_ text: String) -> [UInt8] { [UInt8(text.utf8.count), 0, 0, 0] + Array(text.utf8) }

    @Test func everySetOfOperationsRoundTripsAndNoOtherBits() throws {
        for bits in UInt8.min...UInt8.max {
            let rule = AccessRule(names: [], operations: Operations(rawValue: bits))
            let message = AgentMessage.configure(Samples.configured(Catalog(clients: [Client(name: "c", deny: [rule])])))
            if bits < 1 << 5 {
                #expect(try AgentMessage(decoding: message.encoded()) == message)
            } else {
                #expect(throws: WireError.invalidValue) { try AgentMessage(decoding: message.encoded()) }
            }
        }
    }

    @Test func unknownFormsOfCallersAreRefused() throws {
        // The tags 1 to 3 stand before a name that is nowhere else.
        let anonymous = Samples.configured(Catalog(authentication: Authentication(anonymous: .client("nobody"))))
        let session = Samples.configured(
            Catalog(clients: [
                Client(name: "c", perSession: SessionAllowance(key: .header("x-unlike"), allowance: Allowance()))
            ]))
        for tag in UInt8.min...UInt8.max {
            if tag != 3 {
                #expect(throws: WireError.self) {
                    try decode(anonymous, replacing: [3] + text("nobody"), with: [tag] + text("nobody"))
                }
            }
            if tag != 1 {
                #expect(throws: WireError.self) {
                    try decode(session, replacing: [1] + text("x-unlike"), with: [tag] + text("x-unlike"))
                }
            }
        }
        for tag: UInt8 in [0, 4, 0xFF] {
            #expect(throws: WireError.invalidValue) {
                try decode(anonymous, replacing: [3] + text("nobody"), with: [tag] + text("nobody"))
            }
            #expect(throws: WireError.invalidValue) {
                try decode(session, replacing: [1] + text("x-unlike"), with: [tag] + text("x-unlike"))
            }
        }
    }

    @Test(arguments: ["HS255", "none", "hs256", "", "RS256 "])
    func unknownAlgorithmsAreRefused(name: String) {
        let issuer = Issuer(name: "i", issuer: "j", algorithms: [.hs256], keys: .file(""))
        let settings = Samples.configured(Catalog(authentication: Authentication(issuers: [issuer])))
        #expect(throws: WireError.invalidValue) { try decode(settings, replacing: text("HS256"), with: text(name)) }
    }

    /// Names of models and of claims stand in order, each once.
    @Test(arguments: ["k1", "k0", "", "K9"])
    func namesOutOfOrderAreRefused(name: String) {
        let settings = [
            Client(name: "c", modelAllowances: ["k1": Samples.allowances[0], "k2": Allowance()]),
            Client(name: "c", tokens: [TokenMatch(issuer: "i", claims: ["k1": ["a"], "k2": []])]),
        ].map { Samples.configured(Catalog(clients: [$0])) }
        for settings in settings {
            #expect(throws: WireError.invalidValue) { try decode(settings, replacing: text("k2"), with: text(name)) }
            #expect(throws: Never.self) { try decode(settings, replacing: text("k2"), with: text("k3")) }
        }
    }

    /// Times before 1970 are negative, and stay it.
    @Test(arguments: [nil, .min, -1, 0, 1, .max] as [Int64?])
    func timesOfKeysRoundTrip(time: Int64?) throws {
        for key in [APIKey(id: "k", salt: [], digest: [], notBefore: time), APIKey(id: "k", salt: [], digest: [], expires: time)]
        {
            let message = AgentMessage.configure(Samples.configured(Catalog(clients: [Client(name: "c", keys: [key])])))
            #expect(try AgentMessage(decoding: message.encoded()) == message)
        }
    }

    /// The proxy has no use for where keys are fetched and where audit lines end up, and gets no secrets that it does not need.
    @Test func whatStaysWithTheAgentIsNotSent() throws {
        let sinks: [Audit.Sink] = [
            .file("/hidden", size: 1, keep: 2), .webhook("https://hidden", authorization: Secret("hidden"), caFile: "hidden"),
            .standardOutput,
        ]
        let keys: [Issuer.Keys] = [.secret(Secret("hidden")), .file("/hidden"), .url("hidden", refresh: 1, caFile: "hidden")]
        for (sink, keys) in zip(sinks, keys) {
            func catalog(_ sink: Audit.Sink, _ keys: Issuer.Keys) -> Catalog {
                let issuer = Issuer(name: "i", issuer: "j", algorithms: [.es256], keys: keys)
                return Catalog(authentication: Authentication(issuers: [issuer]), audit: Audit(level: .full, sink: sink))
            }
            let bytes = AgentMessage.configure(Samples.configured(catalog(sink, keys))).encoded()
            #expect(bytes.places(of: Array("hidden".utf8)).isEmpty)
            let plain = AgentMessage.configure(Samples.configured(catalog(.standardOutput, .file(""))))
            #expect(try AgentMessage(decoding: bytes) == plain)
        }
    }
}
