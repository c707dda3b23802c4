import ArgumentParser
import Catalog
import Control
import ControlCoding
import Glibc
import Testing

@testable import Commands

/// What `pool`, `endpoint` and `capability` ask of the agent, and what they print of its answers.
@Suite struct RoutingCommandTests {
    private let address = SocketAddress(ip: IPAddress(v4: 10, 0, 0, 1), port: 80)

    private var catalog: Catalog {
        let own = Endpoint(host: "a", port: 80, authority: "a", labels: ["tier": "gpu"])
        let other = Endpoint(host: "b", port: 443, authority: "b", tls: EndpointTLS(serverName: "b"), upstreamModel: "big")
        var policy = RoutingPolicy(strategy: .weighted)
        policy.retry.hedges = true
        return Catalog(
            models: [
                Model(
                    name: "m", endpoints: [own], capabilities: ["generation.text-generation.chat-completion"], fallback: [other])
            ],
            pools: [
                Pool(
                    name: "chat", models: [.init(model: "m", weight: 9)], capability: "generation.text-generation",
                    selector: ["tier": "gpu"], routing: policy, fallback: [other], mirror: Mirror(model: "next", percent: 5))
            ], capabilities: ["generation.sql"])
    }

    // MARK: - Requests

    @Test(
        arguments: [
            (.endpoints, #"{"command":"endpoints"}"#), (.pools, #"{"command":"pools"}"#),
            (.drain(url: "http://a"), #"{"command":"drain","url":"http://a"}"#),
            (.enable(url: "http://a"), #"{"command":"enable","url":"http://a"}"#),
            (.drain(url: "http://a", uid: 0), #"{"command":"drain","uid":0,"url":"http://a"}"#),
            (.enable(url: "http://a", uid: 7), #"{"command":"enable","uid":7,"url":"http://a"}"#),
            (.rotate(name: "p", uid: 7), #"{"command":"rotate","name":"p","uid":7}"#),
            (.pool(name: "p"), #"{"command":"pool","name":"p"}"#), (.rotate(name: "p"), #"{"command":"rotate","name":"p"}"#),
            (.capabilities, #"{"command":"capabilities"}"#),
            (.explain(ExplainRequest(model: "m")), #"{"command":"explain","request":{"headers":[],"model":"m"}}"#),
            (
                .explain(
                    ExplainRequest(model: "m", client: "c", headers: [.init(name: "x", value: "1")], user: "u", prompt: "p")),
                #"{"command":"explain","request":{"client":"c","headers":[{"name":"x","value":"1"}],"model":"m","prompt":"p","user":"u"}}"#
            ),
            (
                .events(follow: true, last: 0, level: .debug),
                #"{"command":"events","follow":true,"last":0,"level":"debug"}"#
            ),
        ] as [(ControlRequest, String)])
    func requests(_ request: ControlRequest, _ text: String) throws {
        #expect(try json(request) == text)
        #expect(try ControlLine.decode(ControlRequest.self, from: Array(text.utf8)) == request)
    }

    @Test(arguments: [
        #"{"command":"drain"}"#, #"{"command":"enable","url":7}"#, #"{"command":"drain","url":"u","uid":-1}"#,
        #"{"command":"pool"}"#, #"{"command":"rotate","name":null}"#,
        #"{"command":"explain"}"#, #"{"command":"explain","request":{"model":"m"}}"#,
        #"{"command":"explain","request":{"model":"m","headers":[{"name":"x"}]}}"#,
        #"{"command":"events","level":"trace"}"#,
    ])
    func refusesRequests(_ text: String) {
        #expect(throws: ControlLineError.self) { try ControlLine.decode(ControlRequest.self, from: Array(text.utf8)) }
    }

    @Test func headersAreAskedInLowerCase() {
        let request = ExplainRequest(model: "m", headers: [.init(name: "X-Session-ID", value: "A")])
        #expect(request.query == ExplainQuery(model: "m", headers: [ExplainHeader(name: "x-session-id", value: "A")]))
    }

    // MARK: - Endpoints

    @Test func endpointsAsATable() throws {
        let active = EndpointRecord(
            model: "m", key: EndpointKey(url: "http://a", address: address), inFlight: 2, requests: 10, failures: 1,
            firstByteMean: 12_300)
        let broken = EndpointRecord(
            model: "m", key: EndpointKey(url: "https://b", address: address), standby: .breaker, detail: "refused",
            remaining: 4_200, breaker: .open)
        let lost = EndpointRecord(model: "m", key: EndpointKey(url: "http://c", address: address), standby: .unresolved)
        let reports = [EndpointReport(active), EndpointReport(broken, isFallback: true, pool: "chat"), EndpointReport(lost)]
        #expect(
            words(EndpointReport.table(reports, width: nil)) == [
                "MODEL URL ADDRESS STATE REASON RETRY IN BREAKER IN FLIGHT REQUESTS FAILURES TTFB",
                "m http://a 10.0.0.1:80 active - - closed 2 10 1 12ms",
                "chat (pool) https://b * 10.0.0.1:80 STANDBY breaker: refused 4s open 0 0 0 -",
                "m http://c unresolved STANDBY unresolved - closed 0 0 0 -",
            ])
        for report in reports { #expect(try same(report)) }
        let text = try json(reports[1])
        #expect(text.contains(#""reason":"breaker","remainingMilliseconds":4200"#) && text.contains(#""state":"standby""#))
        #expect(!(try json(reports[0])).contains("reason"))
    }

    @Test func whatTheKernelKnowsStandsBesideIt() {
        let direct = EndpointReport.Direct(weight: 2, usable: false, open: 1, picked: 4, failed: 2, failedMillisecondsAgo: 3_500)
        let kernel = [
            EndpointReport(model: "m", address: "10.0.0.1:80", direct: direct),
            EndpointReport(model: "gone", address: "10.0.0.9:80", direct: .init(weight: 1, usable: true)),
        ]
        let agent = [
            EndpointReport(model: "m", url: "http://f", address: "10.0.0.1:80", isFallback: true),
            EndpointReport(model: "m", url: "http://a", address: "10.0.0.1:80", breaker: "closed"),
            EndpointReport(model: "n", url: "http://a", address: "10.0.0.1:80", breaker: "closed"),
        ]
        let joined = EndpointReport.joined(agent, with: kernel)
        #expect(joined.map(\.model) == ["m", "m", "n", "gone"])
        #expect(joined.map(\.direct?.picked) == [nil, 4, nil, 0])
        #expect(EndpointReport.joined([], with: kernel) == kernel)
        #expect(EndpointReport.joined(agent, with: []) == agent)
        #expect(
            words(EndpointReport.table(kernel, width: nil)) == [
                "MODEL URL ADDRESS STATE REASON RETRY IN BREAKER IN FLIGHT REQUESTS FAILURES TTFB WEIGHT USABLE OPEN PICKED FAILED "
                    + "LAST FAILURE",
                "m - 10.0.0.1:80 STANDBY - - - - - - - 2 NO 1 4 2 3s ago",
                "gone - 10.0.0.9:80 active - - - - - - - 1 yes 0 0 0 -",
            ])
    }

    @Test func drainsInWords() throws {
        var report = DrainReport(url: "http://a", isDrained: true, isChanged: true, models: ["m", "n"], inFlight: 3)
        #expect(report.text == "http://a, of m, n gets no new requests; 3 under way\n")
        report.isChanged = false
        #expect(report.text == "http://a, of m, n was drained already and gets no new requests; 3 under way\n")
        #expect(try same(report))
        #expect(DrainReport(url: "u", isDrained: false, isChanged: true, models: ["m"]).text == "u, of m is used again\n")
        #expect(DrainReport(url: "u\u{1B}", isDrained: false, isChanged: false, models: []).text == "u\\u{1B} was not drained\n")
    }

    @Test(arguments: [("http://A:80/", "http://a"), ("https://h:443", "https://h"), ("http://[::1]:9/x/", "http://[::1]:9/x")])
    func urlsAreReadAsTheConfigurationReadsThem(text: String, url: String) throws {
        let command = try #require(try ModelBroker.parseAsRoot(["endpoint", "drain", text]) as? EndpointDrain)
        #expect(command.url == url)
        #expect(try #require(try ModelBroker.parseAsRoot(["endpoint", "enable", text]) as? EndpointEnable).url == url)
    }

    // MARK: - Pools

    @Test func pools() throws {
        var record = RouteRecord(name: "chat")
        (record.requests, record.retries, record.budgetDenied, record.fallbacks, record.exhausted) = (100, 7, 2, 5, 3)
        (record.hedges, record.hedgesWon, record.mirrored, record.mirrorFailures, record.rotations) = (4, 1, 6, 2, 8)
        let endpoints = [
            EndpointReport(model: "m", url: "http://a", address: "10.0.0.1:80", breaker: "closed"),
            EndpointReport(
                model: "m", url: "http://a", address: "10.0.0.2:80", state: .standby, reason: "probe", breaker: "closed"),
            EndpointReport(model: "m", url: "https://b", address: nil, isFallback: true),
        ]
        let pool = try #require(catalog.pools.first)
        let report = PoolReport(
            pool, members: PoolMembers(catalog.models).of(pool), of: catalog, endpoints: endpoints,
            counters: RouteCounters(record))
        #expect(
            words(PoolReport.table([report], width: nil)) == [
                "POOL STRATEGY MODELS ACTIVE REQUESTS RETRIES HEDGES FALLBACK NONE MIRRORED", "chat weighted m 1/2 100 7 4 5 3 6",
            ])
        let text = words(report.text(width: nil))
        for line in [
            "capability generation.text-generation", "selector tier=gpu", "strategy weighted", "fallback https://b",
            "mirror 5% to next", "requests 100, 5 to the fallback, 3 with nothing usable", "retries 7, 2 not within the budget",
            "hedges 4, 1 of them faster", "mirrored 6, 2 not answered", "rotations 8", "m 9 http://a",
        ] {
            #expect(text.contains(line), "\(line) in \(text)")
        }
        #expect(try same(report))
        #expect(try json(report).contains(#""members":[{"endpoints":["http://a"],"model":"m","weight":9}]"#))
    }

    @Test func policiesInWords() {
        func line(_ strategy: Strategy) -> String { RoutingReport(RoutingPolicy(strategy: strategy)).strategyLine }
        #expect(line(.leastInFlight) == "least-inflight")
        #expect(line(.sessionSticky(SessionPolicy(isStrict: true))) == "session-sticky, by header:x-session-id, strict, for 30m")
        #expect(line(.prefixAffinity(PrefixPolicy())) == "prefix-affinity, over 1 KiB, up to 125% of the mean load")
        #expect(line(.rateLimitAware(threshold: 80)) == "rate-limit-aware, up to 80% of the upstream's limits")
        var facts = Facts()
        RoutingReport(RoutingPolicy()).add(to: &facts)
        #expect(
            words(facts.rendered()) == [
                "strategy priority",
                "retry 3 attempts; also after 429, 500, 502, 503, 504; any; 20% of requests; 50ms to 2s between them; bodies up to 1 MiB",
                "breaker 3 failures in a row, or 50% of 20 or more in 10s; tried again after 10s by 1 at once, back after 1",
            ])
        var policy = RoutingPolicy()
        (policy.retry.attempts, policy.breaker.errorRate) = (1, 0)
        var other = Facts()
        RoutingReport(policy).add(to: &other)
        #expect(
            words(other.rendered())[1...] == [
                "retry off", "breaker 3 failures in a row; tried again after 10s by 1 at once, back after 1",
            ])
    }

    @Test func rotationsInWords() throws {
        #expect(RotationReport(name: "p", from: "a", to: "b").text == "p goes to b, no longer to a\n")
        #expect(RotationReport(name: "p", from: nil, to: "b").text == "p stays with b: nothing else is usable\n")
        #expect(RotationReport(name: "p", from: "b", to: "b").text == "p stays with b: nothing else is usable\n")
        #expect(RotationReport(name: "p", from: "a", to: nil).text == "p has no endpoint that is usable\n")
        #expect(try same(RotationReport(name: "p", from: "a", to: nil)))
    }

    @Test func aModelShowsItsPolicyAndItsEngines() throws {
        let report = ModelReport(try #require(catalog.models.first))
        let text = words(report.text(width: nil))
        #expect(text.contains("capabilities generation.text-generation.chat-completion"))
        #expect(text.contains("strategy round-robin"))
        #expect(text.contains("ENDPOINT ADDRESSES ENGINE WEIGHT FAILURES ASKED FOR"))
        #expect(text.contains("http://a unresolved openai 1 0 m") && text.contains("https://b * unresolved openai 1 0 big"))
        #expect(try same(report))
        // Of an agent that does not say so much.
        let old =
            #"{"name":"m","source":"seen","endpoints":[{"url":"u","addresses":[],"failures":0}],"requests":0,"active":0,"#
            + #""status2xx":0,"status3xx":0,"status4xx":0,"status5xx":0,"broken":0,"cancelled":0,"bytesIn":0,"bytesOut":0,"#
            + #""rateLimited":0,"tokenLimited":0,"accessRefused":0,"tokens":0,"firstByte":{"count":0}}"#
        let shown = try ControlLine.decode(ModelReport.self, from: Array(old.utf8)).text(width: nil)
        #expect(words(shown).contains("u unresolved - - 0") && !shown.contains("strategy"))
    }

    // MARK: - Capabilities

    @Test func capabilitiesWithWhoHasThem() throws {
        let all = CapabilityReport.all(of: catalog)
        let above = try #require(all.first { $0.path == "generation.text-generation" })
        #expect(above.models == ["m"] && above.pools == ["chat"] && above.aliases == ["text-generation"] && !above.isCustom)
        #expect(all.first { $0.path == "generation" }?.pools == ["chat"])
        #expect(all.first { $0.path == "generation.text-generation.chat-completion" }?.pools == [])
        #expect(all.first { $0.path == "generation.sql" }?.isCustom == true)
        let lines = words(CapabilityReport.table([above, try #require(all.first { $0.isCustom })], width: nil))
        #expect(
            lines == [
                "CAPABILITY ALIAS MODELS POOLS", "generation.text-generation text-generation m chat", "generation.sql * - - -",
            ])
        #expect(try same(above))
    }

    @Test func capabilitiesAreFound() {
        let all = CapabilityReport.all(of: Catalog())
        func paths(_ text: String) -> [String] { CapabilityReport.matching(text, in: all).map(\.path) }
        #expect(paths("OCR") == ["understanding.vision-understanding.ocr"])
        #expect(paths("image-to-text") == ["understanding.vision-understanding.image-captioning"])
        #expect(paths("embeddings text") == ["representation.embeddings.text-embeddings"])
        #expect(paths("text-generation").first == "generation.text-generation")
        #expect(paths("text-generation").count == 4)
        #expect(paths("frying") == [] && paths("") == [] && paths("  ") == [])
    }
}
