import Catalog
import Foundation
import Kubernetes
import Testing

/// Which addresses a service's slices stand for.
@Suite struct ServiceAddressesTests {
    private static let ports =
        #"[{"name": "http", "port": 8000, "protocol": "TCP"}, {"name": "dns", "port": 53, "protocol": "UDP"}]"#

    private func slice(
        _ name: String, _ endpoints: [String], type: String = "IPv4", ports: String = ServiceAddressesTests.ports
    ) throws -> EndpointSlice {
        let json =
            #"{"metadata": {"name": "\#(name)", "namespace": "shop"}, "addressType": "\#(type)", "endpoints": [\#(endpoints.joined(separator: ","))], "ports": \#(ports)}"#
        return try JSONDecoder().decode(EndpointSlice.self, from: Data(json.utf8))
    }

    private func member(_ address: String, _ conditions: String = #""ready": true"#, _ more: String = "") -> String {
        #"{"addresses": ["\#(address)"], "conditions": {\#(conditions)}\#(more)}"#
    }

    private func addresses(_ slices: [EndpointSlice], port: String = "http", zone: String? = nil) -> [String] {
        ServiceAddresses.addresses(slices, port: port, zone: zone).map(\.description)
    }

    @Test func slicesAreMergedAndSorted() throws {
        let slices = [
            try slice("b", [member("10.0.0.2"), member("10.0.0.3")]), try slice("a", [member("10.0.0.1"), member("10.0.0.2")]),
        ]
        #expect(addresses(slices) == ["10.0.0.1:8000", "10.0.0.2:8000", "10.0.0.3:8000"])
        #expect(addresses(slices.reversed()) == addresses(slices))
        #expect(addresses([]).isEmpty)
    }

    @Test func conditions() throws {
        let ending = #""ready": false, "serving": true, "terminating": true"#
        let unready = #""ready": false, "serving": false, "terminating": false"#
        let some = try slice("a", [member("10.0.0.1"), member("10.0.0.2", ending), member("10.0.0.3", unready)])
        #expect(addresses([some]) == ["10.0.0.1:8000"])
        // Nobody is ready: those that end still serve.
        #expect(addresses([try slice("a", [member("10.0.0.2", ending), member("10.0.0.3", unready)])]) == ["10.0.0.2:8000"])
        #expect(addresses([try slice("a", [member("10.0.0.3", unready)])]).isEmpty)
        // What is not said is as if it were true; of two slices the one that says ready counts.
        #expect(addresses([try slice("a", [#"{"addresses": ["10.0.0.4"]}"#])]) == ["10.0.0.4:8000"])
        let both = [try slice("a", [member("10.0.0.5", unready)]), try slice("b", [member("10.0.0.5")])]
        #expect(addresses(both) == ["10.0.0.5:8000"] && addresses(both.reversed()) == ["10.0.0.5:8000"])
    }

    @Test func ports() throws {
        let named = try slice("a", [member("10.0.0.1")])
        #expect(addresses([named], port: "8000") == ["10.0.0.1:8000"])
        #expect(addresses([named], port: "") == ["10.0.0.1:8000"], "the only one with TCP")
        #expect(addresses([named], port: "dns").isEmpty && addresses([named], port: "80").isEmpty)
        // The same name is another number at other pods.
        let other = try slice("b", [member("10.0.0.2")], ports: #"[{"name": "http", "port": 9000}]"#)
        #expect(addresses([named, other]) == ["10.0.0.1:8000", "10.0.0.2:9000"])
        let two = try slice("c", [member("10.0.0.3")], ports: #"[{"name": "a", "port": 1}, {"name": "b", "port": 2}]"#)
        #expect(addresses([two], port: "").isEmpty)
        for nonsense in [
            #"[{"name": "http", "port": 0}]"#, #"[{"name": "http", "port": 70000}]"#, #"[{"name": "http"}]"#, "null",
        ] {
            #expect(addresses([try slice("d", [member("10.0.0.4")], ports: nonsense)]).isEmpty)
        }
    }

    @Test func dualStack() throws {
        let target = #", "targetRef": {"kind": "Pod", "uid": "u1"}"#
        let v4 = try slice("a", [member("10.0.0.1", #""ready": true"#, target)])
        let v6 = try slice("b", [member("fd00::1", #""ready": true"#, target), member("fd00::2")], type: "IPv6")
        #expect(addresses([v6, v4]) == ["10.0.0.1:8000", "[fd00::2]:8000"], "one pod is one server")
        #expect(addresses([v6]) == ["[fd00::1]:8000", "[fd00::2]:8000"])
        #expect(addresses([try slice("c", [member("llama.example")], type: "FQDN")]).isEmpty)
    }

    @Test func zones() throws {
        func hinted(_ address: String, _ zone: String) -> String {
            member(address, #""ready": true"#, #", "hints": {"forZones": [{"name": "\#(zone)"}]}"#)
        }
        let all = try slice("a", [hinted("10.0.0.1", "a"), hinted("10.0.0.2", "b")])
        #expect(addresses([all], zone: "a") == ["10.0.0.1:8000"])
        #expect(addresses([all], zone: "c").count == 2, "nobody is meant for it")
        #expect(addresses([all]).count == 2)
        let some = try slice("a", [hinted("10.0.0.1", "a"), member("10.0.0.2")])
        #expect(addresses([some], zone: "a").count == 2, "hints count where all have them")
    }

    @Test func whatIsNoAddressAndTooMany() throws {
        let bad = try slice(
            "a", ["0.0.0.0", "224.0.0.1", "10.0.0.256", "fd00::1", "", "localhost"].map { member($0) } + [#"{"addresses": []}"#])
        #expect(addresses([bad]).isEmpty)
        let many = try (0..<8).map { part in
            try slice("s\(part)", (0..<250).map { member("10.\(part).0.\($0)") })
        }
        let found = addresses(many)
        #expect(found.count == ServiceAddresses.limit && found == addresses(many.reversed()))
    }

    @Test func poolsOfPods() throws {
        func pod(_ name: String, _ ip: String, phase: String = "Running", ready: String = "True", meta: String = "") throws
            -> ServingPod
        {
            let json =
                #"{"metadata": {"name": "\#(name)", "namespace": "shop"\#(meta)}, "status": {"phase": "\#(phase)", "podIP": "\#(ip)", "conditions": [{"type": "Ready", "status": "\#(ready)"}]}}"#
            return try JSONDecoder().decode(ServingPod.self, from: Data(json.utf8))
        }
        let json =
            #"{"metadata": {"name": "p"}, "spec": {"selector": {"matchLabels": {"app": "vllm", "x/tier": ""}}, "targetPorts": [{"number": 8000}, {"number": 8001}, {"number": 0}]}}"#
        var pool = try JSONDecoder().decode(InferencePool.self, from: Data(json.utf8))
        let pods = [
            try pod("b", "10.0.0.2"), try pod("a", "10.0.0.1"), try pod("c", "10.0.0.3", phase: "Pending"),
            try pod("d", "10.0.0.4", ready: "False"), try pod("e", ""),
            try pod("f", "10.0.0.6", meta: #", "deletionTimestamp": "2026-01-01T00:00:00Z""#),
        ]
        #expect(
            PoolAddresses.addresses(pool, pods).map(\.description) == [
                "10.0.0.1:8000", "10.0.0.1:8001", "10.0.0.2:8000", "10.0.0.2:8001",
            ])
        #expect(pool.labelSelector == "app=vllm,x/tier=")
        pool.spec.selector.matchLabels = ["a": "b,c=d"]
        #expect(pool.labelSelector == nil, "it would select by other labels")
        pool.spec.selector.matchLabels = [:]
        #expect(pool.labelSelector == nil)
    }
}
