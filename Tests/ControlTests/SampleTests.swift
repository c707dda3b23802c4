import Catalog
import Control
import Telemetry
import Testing

/// The samples give each field a value of its own: a field that is added and not put there fails here, one that messages
/// do not carry fails where they make their round.
@Suite struct SampleTests {
    /// Fields whose values are the same in both.
    private func alike<Value>(_ sample: Value, _ plain: Value) -> [String] {
        zip(Swift.Mirror(reflecting: sample).children, Swift.Mirror(reflecting: plain).children).compactMap { own, other in
            own.value as? AnyHashable == other.value as? AnyHashable ? own.label : nil
        }
    }

    @Test func settingsHaveEverything() throws {
        let plain = Samples.configured(Catalog())
        #expect(alike(Samples.settings, plain) == ["credentials"])
        #expect(alike(Samples.accessSettings, plain) == ["slots"])
        // What stays at its default in one stands in the other.
        #expect(alike(Samples.catalog, Catalog()) == ["clients", "authentication", "firewall", "audit"])
        #expect(alike(Samples.accessCatalog, Catalog()) == ["rules", "models", "pools", "capabilities", "groups"])
        // The proxy is not told whom the agent asks and tells.
        #expect(alike(Samples.node, Node()) == ["qdisc", "kubernetes", "remoteWrite", "otlp", "events"])
        #expect(alike(Samples.node.timeouts, Timeouts()) == [])
        #expect(alike(Samples.rules[0], CaptureRule(name: "", to: [])) == ["unknown"])
        #expect(alike(Samples.catalog.models[0], Model(name: "", endpoints: [])) == ["qos"])
        #expect(alike(Samples.mirroredPool, Pool(name: "p")) == [])
        #expect(alike(Samples.routing.retry, RetryPolicy()) == [])
        #expect(alike(Samples.routing.breaker, BreakerPolicy()) == [])
        let endpoint = Endpoint(host: "", port: 0, authority: "")
        #expect(
            alike(Samples.endpoints[0], endpoint) == ["health", "maintenance", "discovery", "metrics", "activation", "backing"])
        #expect(alike(Samples.groups[0], Group(name: "")) == [])
        #expect(alike(Samples.queues[0], QueuePolicy()) == [])
    }

    @Test func accessHasEverything() {
        let listener = SecureListener(address: Samples.v6, certificateFile: "", keyFile: "")
        #expect(alike(Samples.secureGateway[0], listener) == [])
        #expect(alike(Samples.allowance, Allowance()) == [])
        #expect(alike(Samples.accessRule, AccessRule(names: [])) == [])
        #expect(alike(Samples.accessRule.times[0], TimeWindow()) == [])
        #expect(alike(Samples.apiKeys[0], APIKey(id: "", salt: [], digest: [])) == [])
        #expect(alike(Samples.client, Client(name: "")) == ["pods"], "cgroups are told to the kernel alone")
        let session = SessionAllowance(key: .user, allowance: Allowance())
        #expect(Samples.client.perSession.map { alike($0, session) } == [])
        #expect(alike(Samples.issuer, Issuer(name: "", issuer: "", algorithms: [], keys: .file(""))) == ["keys"])
        #expect(alike(Samples.firewallRule, FirewallRule(name: "")) == [])
        #expect(alike(Samples.audit, Audit(sink: .standardOutput)) == ["sink"])
        #expect(alike(Samples.credentials, Credentials()) == [])
        let certificate = ListenerCertificate(address: Samples.v6, chain: "", key: Secret(""))
        #expect(alike(Samples.credentials.certificates[0], certificate) == [])
        #expect(alike(Samples.credentials.keySets[1], KeySet(issuer: "", form: .jwks, document: Secret(""))) == [])
    }

    /// Counters that are alike could change places unseen.
    @Test func numbersAreAllDifferent() throws {
        func check(_ value: some Any) {
            let numbers = Swift.Mirror(reflecting: value).children.compactMap { $0.value as? UInt64 }
            #expect(numbers.count > 1 && !numbers.contains(0) && Set(numbers).count == numbers.count)
        }
        #expect(alike(Samples.statistics, ProxyStatistics()) == [])
        check(Samples.statistics)
        check(try #require(Samples.statistics.models.first).counters)
        check(Samples.clientCounters)
        check(try #require(Samples.routeRecords.first))
        let queue = try #require(Samples.queueRecords.first)
        #expect(alike(queue, QueueRecord(model: "", group: "")) == [])
        check(queue)
        let key = EndpointKey(url: "", address: Samples.v6)
        #expect(alike(try #require(Samples.standings.first), EndpointStanding(key: key)) == [])
        #expect(Samples.endpointRecords.contains { alike($0, EndpointRecord(model: "", key: key)) == [] })
        #expect(alike(Samples.event, ProxyEvent(kind: .opaque)) == [])
    }
}
