import Catalog
import Configuration
import Testing

/// Custom resources over a file: what each kind adds, and which of them are left out.
@Suite struct ResourceTests {
    private static let endpoint = #"{"endpoints": [{"url": "http://10.0.0.1:8000"}]}"#

    @Test func eachKindAddsWhatAFileWouldSay() throws {
        let file = "models: {a: {endpoints: [\"http://10.0.0.9:80\"]}}\nclients: {shop: {}}\n"
        let spec =
            #"{"name": "meta/Llama", "endpoints": [{"url": "http://10.0.0.1:8000", "weight": 2, "cost": 2.5}], "access": "private"}"#
        let overlaid = try Overlaid(
            file,
            [
                resource(.model, "llama", spec),
                resource(.pool, "chat", #"{"models": {"meta/Llama": 95, "a": 5}, "strategy": "weighted"}"#),
                resource(.qosClaim, "rates", #"{"model": "meta/Llama", "qos": {"requests": "100/s", "dscp": 26}}"#),
                resource(.qosClaim, "shop", #"{"client": "shop", "limits": {"requests": "5/s"}}"#),
                resource(.accessControl, "shop", #"{"client": "shop", "allow": ["chat"]}"#),
                resource(.accessControl, "web", #"{"workloads": ["/web"], "deny": ["a"]}"#),
            ])
        #expect(overlaid.verdicts.count == 6 && overlaid.verdicts.values.allSatisfy(\.isAccepted), "\(overlaid.verdicts)")
        let written = try catalog(
            """
            models:
              a: {endpoints: ["http://10.0.0.9:80"]}
              "meta/Llama":
                endpoints: [{url: "http://10.0.0.1:8000", weight: 2, cost: 2.5}]
                access: private
                qos: {requests: 100/s, dscp: 26}
            pools: {chat: {models: {a: 5, "meta/Llama": 95}, strategy: weighted}}
            clients:
              shop: {limits: {requests: 5/s}, allow: [chat]}
              web: {workloads: [/web], deny: [a]}

            """ + Overlaid.node)
        #expect(overlaid.catalog == written)
    }

    @Test func oneBadOneIsLeftOut() throws {
        let overlaid = try Overlaid(
            "",
            [
                resource(.model, "a", Self.endpoint),
                resource(.model, "b", #"{"endpoints": [{"url": "ftp://10.0.0.1"}], "acces": "private"}"#),
                resource(.pool, "p", #"{"models": ["a"]}"#),
            ])
        #expect(overlaid.models == ["a"] && overlaid.catalog.pools.map(\.name) == ["p"])
        #expect(overlaid.isAccepted(.model, "a") && overlaid.isAccepted(.pool, "p"))
        let refusal = try #require(overlaid.refusal(.model, "b"))
        #expect(refusal.contains("Invalid: spec."))
        #expect(refusal.contains("spec.acces: is not a known key; did you mean access?"))
        #expect(refusal.contains("spec.endpoints[0].url: \"ftp://10.0.0.1\" has a scheme other than http and https"))
        #expect(!refusal.contains("4294967"), "no line of a file that there is not")
    }

    @Test func whatRefersToABadOneFallsWithIt() throws {
        let overlaid = try Overlaid(
            "",
            [
                resource(.model, "bad", #"{"endpoints": []}"#), resource(.model, "good", Self.endpoint),
                resource(.pool, "inner", #"{"models": ["bad"]}"#), resource(.pool, "outer", #"{"models": ["inner", "good"]}"#),
                resource(.qosClaim, "c", #"{"model": "bad", "qos": {"requests": "1/s"}}"#),
                resource(.pool, "fine", #"{"models": ["good"]}"#),
            ])
        #expect(overlaid.models == ["good"] && overlaid.catalog.pools.map(\.name) == ["fine"])
        #expect(overlaid.refusal(.pool, "inner")?.contains("\"bad\" is neither under models nor under pools") == true)
        #expect(overlaid.refusal(.pool, "outer")?.contains("\"inner\" is neither") == true)
        #expect(overlaid.refusal(.qosClaim, "c") == "NotFound: there is no model \"bad\"")
    }

    @Test func poolsThatMeanEachOther() throws {
        let overlaid = try Overlaid(
            "",
            [
                resource(.model, "m", Self.endpoint), resource(.pool, "x", #"{"models": ["y"]}"#),
                resource(.pool, "y", #"{"models": ["x"]}"#), resource(.pool, "z", #"{"models": ["m"]}"#),
            ])
        #expect(overlaid.catalog.pools.map(\.name) == ["z"])
        #expect([overlaid.refusal(.pool, "x"), overlaid.refusal(.pool, "y")].contains { $0?.contains("makes a circle") == true })
    }

    @Test func theFileComesFirstThenTheOlder() throws {
        let file = "models: {a: {endpoints: [\"http://10.0.0.9:80\"], qos: {requests: 7/s}}}\npools: {p: {models: [a]}}\n"
        let overlaid = try Overlaid(
            file,
            [
                resource(.model, "a", Self.endpoint), resource(.model, "p", Self.endpoint), resource(.pool, "a", "{}"),
                resource(.model, "young", #"{"name": "x", "endpoints": [{"url": "http://10.0.0.2:80"}]}"#, created: 2),
                resource(.model, "old", #"{"name": "x", "endpoints": [{"url": "http://10.0.0.1:80"}]}"#, created: 1),
                resource(.qosClaim, "q", #"{"model": "a", "qos": {"requests": "1/s"}}"#),
                resource(.qosClaim, "first", #"{"model": "x", "limits": {"requests": "1/s"}}"#, created: 1),
                resource(.qosClaim, "second", #"{"model": "x", "limits": {"requests": "2/s"}}"#, created: 2),
            ])
        let message = "is the name of something in the configuration file already, which comes first"
        #expect(overlaid.refusal(.model, "a") == "Conflict: \"a\" \(message)")
        #expect(overlaid.refusal(.model, "p") == "Conflict: \"p\" \(message)")
        #expect(overlaid.refusal(.pool, "a") == "Conflict: \"a\" \(message)")
        #expect(overlaid.refusal(.model, "young")?.contains("in Model/old already") == true)
        #expect(
            overlaid.refusal(.qosClaim, "q")
                == "Conflict: models.a.qos is given in the configuration file already, which comes first")
        #expect(overlaid.refusal(.qosClaim, "second")?.contains("models.x.limits is given in QoSClaim/first") == true)
        #expect(overlaid.catalog.models.map { $0.endpoints[0].url } == ["http://10.0.0.9", "http://10.0.0.1"])
        #expect(overlaid.catalog.models[0].qos.requests != nil && overlaid.isAccepted(.qosClaim, "first"))
    }

    @Test func duplicatesNameTheOther() throws {
        let overlaid = try Overlaid(
            "clients: {shop: {workloads: [/shop]}}\n",
            [
                resource(.accessControl, "a", #"{"workloads": ["/a"]}"#, created: 1),
                resource(.accessControl, "b", #"{"workloads": ["/a"]}"#, created: 2),
                resource(.accessControl, "c", #"{"workloads": ["/shop"]}"#, created: 3),
            ])
        #expect(overlaid.catalog.clients.map(\.name) == ["shop", "a"])
        #expect(
            overlaid.refusal(.accessControl, "b")
                == "Invalid: spec.workloads[0]: \"/a\" is a workload already, clients.a.workloads[0] in AccessControl/a: "
                + "a workload belongs to one client"
                || overlaid.refusal(.accessControl, "b")?.contains("in AccessControl/a: a workload belongs to one client") == true
        )
        #expect(overlaid.refusal(.accessControl, "c")?.contains("on line 1 of the configuration file") == true)
    }

    @Test func nobodyBecomesKnownByAResourceAlone() throws {
        let access = try resource(.accessControl, "web", #"{"workloads": ["/web"]}"#)
        let overlaid = try Overlaid("clients:\n", [access])
        #expect(overlaid.catalog == (try catalog(Overlaid.node)))
        #expect(
            overlaid.refusal(.accessControl, "web")
                == "NotGoverned: the configuration file has no clients, so that nobody has to be one")
        #expect(try Overlaid("clients: {}\n", [access]).isAccepted(.accessControl, "web"))
    }

    @Test func claimsSayWhatTheyAreFor() throws {
        let model = try resource(.model, "m", Self.endpoint)
        for (spec, reason) in [
            ("{}", "spec: names what it is for in one of model and client"),
            (#"{"model": "m", "client": "c"}"#, "spec: names what it is for in one of model and client"),
            (#"{"model": "m"}"#, "spec: claims nothing"),
            (#"{"model": 3, "qos": {"requests": "1/s"}}"#, "there is no model \"3\""),
            (#"{"model": ["m"]}"#, "spec.model: must be a name"),
            (#"{"model": "m", "endpoints": []}"#, "spec.endpoints: is not a known key"),
            (#"{"model": "m", "qos": {"requests": "many"}}"#, "spec.qos.requests: \"many\" is not"),
            (#"["m"]"#, "spec: is no mapping"),
        ] {
            let overlaid = try Overlaid("", [model, resource(.qosClaim, "q", spec)])
            #expect(overlaid.refusal(.qosClaim, "q")?.contains(reason) == true, "\(spec): \(overlaid.verdicts)")
            #expect(overlaid.models == ["m"])
        }
    }

    @Test func theFileMustBeRightByItself() throws {
        let model = try resource(.model, "m", Self.endpoint)
        #expect(throws: ConfigurationFaults.self) {
            try Configuration.parse("pools: {p: {models: [m]}}\n" + Overlaid.node, resources: [model])
        }
    }

    @Test func endpointsOfACluster() throws {
        let parsed = try catalog(
            """
            models:
              m:
                endpoints:
                  - {service: shop/llama, port: http, weight: 3}
                  - {service: shop/llama, port: 8001, path: /engine}
                  - {service: shop/tls, scheme: https}
                  - {inferencePool: shop/pool.v1}

            """ + Overlaid.node)
        let endpoints = parsed.models[0].endpoints
        #expect(
            endpoints.map(\.url) == [
                "service://shop/llama:http", "service://shop/llama:8001/engine", "service://shop/tls",
                "inferencepool://shop/pool.v1",
            ])
        #expect(
            endpoints.map(\.authority) == [
                "llama.shop.svc", "llama.shop.svc:8001", "tls.shop.svc", "pool.v1.shop.svc",
            ])
        #expect(endpoints.allSatisfy { $0.addresses.isEmpty && $0.lookedUpName == nil })
        #expect(endpoints[0].weight == 3 && endpoints[2].tls?.serverName == "tls.shop.svc")
        #expect(endpoints[3].backing == Backing(.inferencePool, namespace: "shop", name: "pool.v1"))
    }

    @Test func faultsOfEndpointsOfACluster() {
        for (endpoint, fault) in [
            ("{service: llama}", "service: \"llama\" is not a namespace and a name; write NAMESPACE/NAME"),
            ("{service: Shop/llama}", "has no namespace before its slash"),
            ("{service: shop/a.b}", "has no name behind its slash"),
            ("{service: shop/a/b}", "is not a namespace and a name"), ("{inferencePool: shop/}", "has no name behind its slash"),
            ("{service: shop/a, port: 0}", "port: \"0\" is not a port from 1 to 65535"),
            ("{service: shop/a, port: 65536}", "is not a port"),
            ("{service: shop/a, port: HTTP}", "is neither the name of a port"),
            ("{inferencePool: shop/a, port: http}", "has no meaning with inferencePool"),
            ("{service: shop/a, inferencePool: shop/b}", "service: has no meaning with inferencePool"),
            ("{url: \"http://a\", service: shop/a}", "service: has no meaning with url"),
            ("{service: shop/a, path: engine}", "path: \"engine\" is not a path; write /PREFIX"),
            ("{service: shop/a, scheme: ftp}", "scheme: \"ftp\" is not http or https"),
            ("{service: shop/a, activate: {unit: a.service}}", "needs a literal address in the URL"),
        ] {
            let found = faults("models: {m: {endpoints: [\(endpoint)]}}\n" + Overlaid.node)
            #expect(found.contains { $0.contains(fault) }, "\(endpoint): \(found)")
        }
        #expect(
            faults("models: {m: {endpoints: [{service: a/b, port: 1}, {service: a/b, port: 1}]}}\n" + Overlaid.node).contains {
                $0.contains("\"service://a/b:1\" is an endpoint already")
            })
    }

    @Test func aFileMayAskForNone() throws {
        let model = try resource(.model, "m", Self.endpoint)
        let file = "node: {kubernetes: {server: \"http://127.0.0.1:1\", node: n}}\n"
        for yaml in ["", file] {
            let (parsed, verdicts) = try Configuration.parse(yaml, resources: [model])
            #expect(parsed.models.isEmpty && verdicts.isEmpty)
        }
        #expect(faults("models: {m: {endpoints: [{service: a/b}]}}\n").contains { $0.contains("needs node.kubernetes") })
    }
}
