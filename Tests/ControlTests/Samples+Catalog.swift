import Catalog
import Control

extension Samples {
    static var node: Node {
        Node(
            cgroup: "/workloads.slice", brokerCgroup: "/broker", listen: [v4, v6], podAddresses: [v6.ip, v4.ip],
            gateway: [v6], secureGateway: secureGateway, admin: v4, proxy: .external, user: "nübody", workers: 256,
            timeouts: Timeouts(head: 1, bodyIdle: 2, keepAlive: 3, connect: 4, response: 5, upstreamIdle: 6, sniff: 7),
            drain: 8, maxBody: .max)
    }

    static var rules: [CaptureRule] {
        let blocks = [CIDR(address: IPAddress(v4: 10, 0, 0, 0), prefixLength: 8), CIDR(address: v6.ip, prefixLength: 128)]
        let destinations = blocks.enumerated().compactMap { index, block in
            block.map { Destination(network: $0, port: UInt16(index * 443)) }
        }
        return [
            CaptureRule(
                name: "a", to: destinations, path: .deny, whenProxyDown: .refuse, unknown: .relay, opaque: .refuse,
                model: "m", onConflict: .workload),
            CaptureRule(name: "d", to: destinations, path: .direct, model: "llama", onConflict: .credentials),
            CaptureRule(name: "", to: [], path: .proxy, whenProxyDown: .direct, unknown: .refuse, opaque: .relay),
        ]
    }

    static var catalog: Catalog {
        Catalog(
            node: node, rules: rules,
            models: [
                Model(
                    name: "llama", endpoints: endpoints, access: .private, capabilities: ["generation", "x.y"],
                    fallback: [endpoints[1]], routing: routing, allowance: allowance, price: Price(input: 1, output: .max),
                    contextLength: 131_072, asksStreamUsage: false, maxInFlight: .max, queue: queues[0]),
                Model(name: "", endpoints: []),
            ],
            pools: [mirroredPool], capabilities: ["generation.sql", "x.y"], groups: groups)
    }

    static var endpoints: [Endpoint] {
        [
            Endpoint(
                host: "h", port: 1, authority: "h:1", pathPrefix: "/p", addresses: [v4, v6], weight: 65_535, engine: .ollama,
                tls: EndpointTLS(serverName: "h.example", caFile: "/ca.pem"), upstreamModel: "meta/llama",
                labels: ["tier": "gpu", "area": "b", "": ""], cost: .max, provider: "acme", key: Secret("sk-1"),
                forwardsCredentials: true,
                maxInFlight: .adaptive(AdaptiveLimit(least: 2, most: .max, initial: 3)), isOnDemand: true),
            Endpoint(host: "::1", port: 80, authority: "[::1]", maxInFlight: .fixed(4)),
            Endpoint(host: "t", port: 443, authority: "t", engine: .kserveV2, tls: EndpointTLS(serverName: "t"), cost: 0),
        ]
    }
}
