import Admission
import Catalog
import Control
import Flow
import Identity
import Routing

/// A driver with a catalogue of its own.
extension FlowDriver {
    static let third = SocketAddress(ip: IPAddress(v4: 127, 0, 0, 1), port: 9103)

    init(
        _ catalog: Catalog, client: String = "", admission: AdmissionTable = AdmissionTable(),
        _ entrance: FlowRecord.Entrance = .gateway,
        dedicated: String = ""
    ) {
        self.init(entrance)
        var caller = flow.caller
        caller.client = client
        caller.model = dedicated
        flow = Flow(caller, &context)
        adopt(catalog, admission: admission)
    }

    mutating func adopt(_ catalog: Catalog, admission: AdmissionTable = AdmissionTable()) {
        context.adopt(
            RoutingTable(catalog, &numbers), catalog.node, admission: admission,
            access: AccessTable(models: catalog.models, clients: catalog.clients, pools: catalog.pools),
            directory: ClientDirectory(catalog),
            firewall: try? Firewall(catalog.firewall, clients: catalog.clients.map(\.name)), audit: catalog.audit)
    }

    static func endpoint(_ address: SocketAddress, _ change: (inout Endpoint) -> Void = { _ in }) -> Endpoint {
        var endpoint = Endpoint(
            host: "127.0.0.1", port: address.port, authority: "e:\(address.port)", addresses: [address])
        change(&endpoint)
        return endpoint
    }

    static func policy(_ retry: RetryPolicy = RetryPolicy(), _ strategy: Strategy = .priority) -> RoutingPolicy {
        RoutingPolicy(strategy: strategy, retry: retry, breaker: BreakerPolicy(failures: 1000, errorRate: 0))
    }

    /// Two models with an endpoint each, and a pool of both that prefers the first.
    static func pool(_ retry: RetryPolicy = RetryPolicy(), _ strategy: Strategy = .priority) -> Catalog {
        let policy = policy(retry, strategy)
        return Catalog(
            models: [
                Model(name: "big", endpoints: [endpoint(engine)], routing: policy),
                Model(name: "small", endpoints: [endpoint(second)], routing: policy),
            ], pools: [Pool(name: "chat", models: [.init(model: "big"), .init(model: "small")], routing: policy)])
    }

    /// One model with two endpoints.
    static func pair(_ retry: RetryPolicy = RetryPolicy(), _ strategy: Strategy = .priority) -> Catalog {
        Catalog(models: [
            Model(name: "m", endpoints: [endpoint(engine), endpoint(second)], routing: policy(retry, strategy))
        ])
    }

    /// One model with one endpoint.
    static func single(_ retry: RetryPolicy = RetryPolicy(), _ change: (inout Endpoint) -> Void = { _ in }) -> Catalog {
        Catalog(models: [Model(name: "m", endpoints: [endpoint(engine, change)], routing: policy(retry))])
    }

    /// Where the flow wants its upstream connection to go; nil: it wants none.
    mutating func connect() -> SocketAddress? {
        var address: SocketAddress?
        for case .connect(let wanted, _, _) in takeActions() { address = wanted }
        return address
    }

    /// Attempts that were begun and not ended.
    var underWay: Int { (0..<EndpointNumber(numbers.count)).reduce(0) { $0 + shared.inFlight($1) } }

    func route(_ name: String) -> RouteFigures? { context.router.routeFigures().first { $0.name == name } }
}

extension Text {
    static func ask(_ model: String) -> String { post(#"{"messages":[],"model":"\#(model)"}"#) }

    static func failure(_ status: Int, fields: String = "") -> String {
        "HTTP/1.1 \(status) Failed\r\n\(fields)Content-Length: 4\r\n\r\nfail"
    }
}
