internal import Configuration
internal import Control
internal import Telemetry

/// What use was made here of what a resource asks for, by the proxy's numbers: since its first process started, as long as
/// none of them has crashed.
struct ResourceUse: Hashable, Sendable {
    var requests: UInt64
    /// nil: nobody counts them by that.
    var tokens: UInt64?
    /// Requests that were refused for what the resource says; of a model, for whatever says it.
    var refused: UInt64

    var isNothing: Bool { requests == 0 && refused == 0 && (tokens ?? 0) == 0 }

    /// What is known of each, in whichever way it is counted.
    struct Counts: Sendable {
        var models: [String: ModelCounters] = [:]
        var clients: [String: ClientCounters] = [:]
        var routes: [String: RouteRecord] = [:]

        init() {}

        init(_ numbers: ProxyStatistics, _ routes: [RouteRecord]) {
            for entry in numbers.models { models[entry.name, default: ModelCounters()] += entry.counters }
            for entry in numbers.clients { clients[entry.name, default: ClientCounters()] += entry.counters }
            self.routes = Dictionary(routes.map { ($0.name, $0) }) { first, _ in first }
        }
    }

    /// nil: it has not been counted.
    static func of(_ resource: Resource, _ counts: Counts) -> ResourceUse? {
        switch resource.subject {
        case .pool(let name): counts.routes[name].map { ResourceUse(requests: $0.requests, refused: $0.exhausted) }
        case .model(let name): counts.models[name].map { of($0, resource.key.kind) }
        case .client(let name): counts.clients[name].map { of($0, resource.key.kind) }
        case nil: nil
        }
    }

    private static func of(_ model: ModelCounters, _ kind: ResourceKind) -> ResourceUse {
        let limited = model.rateLimited &+ model.tokenLimited
        return ResourceUse(
            requests: model.requests, tokens: model.tokens,
            refused: kind == .qosClaim ? limited : limited &+ model.accessRefused)
    }

    private static func of(_ client: ClientCounters, _ kind: ResourceKind) -> ResourceUse {
        let limited =
            client.rateRefused &+ client.tokenRefused &+ client.concurrencyRefused &+ client.quotaRefused
        return ResourceUse(
            requests: client.requests, tokens: client.inputTokens &+ client.outputTokens,
            refused: kind == .qosClaim ? limited : client.accessRefused)
    }
}
