internal import Catalog
internal import Control

extension Catalog {
    private static let millisecond: UInt64 = 1_000_000

    /// The health checks: one for each server at each address, as the first endpoint that has one says it.
    var healthErrands: [(errand: Errand, plan: InquiryPlan, rule: HealthRule)] {
        var seen: Set<EndpointKey> = []
        return placedEndpoints.map(\.endpoint).filter { $0.health.period > 0 }.flatMap { endpoint in
            endpoint.addresses.compactMap { address in
                guard seen.insert(EndpointKey(url: endpoint.url, address: address)).inserted else { return nil }
                let errand = Errand(purpose: .health, url: endpoint.url, address: address)
                return (errand, Self.plan(of: endpoint, at: address), HealthRule(endpoint))
            }
        }
    }

    /// The questions for models: one for each server, at any of its addresses.
    var discoveryErrands: [(errand: Errand, plan: InquiryPlan)] {
        var seen: Set<String> = []
        return placedEndpoints.map(\.endpoint).compactMap { endpoint in
            guard let discovery = endpoint.discovery, let request = ModelListing.request(to: endpoint),
                seen.insert(endpoint.url).inserted
            else { return nil }
            let plan = InquiryPlan(
                addresses: endpoint.addresses, request: request,
                period: UInt64(max(1000, discovery.period)) * Self.millisecond, timeout: ModelListing.timeout,
                bodyLimit: ModelListing.bodyLimit, tls: endpoint.tls)
            return (Errand(purpose: .discovery, url: endpoint.url, address: nil), plan)
        }
    }

    private static func plan(of endpoint: Endpoint, at address: SocketAddress) -> InquiryPlan {
        let path = endpoint.health.path ?? endpoint.engine.healthPath
        let needsRequest = HealthRule(endpoint) != .connection
        return InquiryPlan(
            addresses: [address], request: needsRequest ? InquiryRequest.bytes("GET", path, to: endpoint) : [],
            period: UInt64(max(100, endpoint.health.period)) * millisecond,
            timeout: UInt64(max(10, endpoint.health.timeout)) * millisecond, bodyLimit: nil, tls: endpoint.tls)
    }
}
