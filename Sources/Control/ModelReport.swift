package import Catalog
package import Telemetry

/// A model and what it has served since the proxy started.
package struct ModelReport: Hashable, Sendable, Codable {
    package enum Source: String, Hashable, Sendable, Codable {
        /// The configuration has it.
        case catalog
        /// Requests on their way to an address dialled named it.
        case seen
    }

    /// One server of the model.
    package struct EndpointReport: Hashable, Sendable, Codable {
        package var url: String
        /// What the host is or resolved to; empty: unresolved.
        package var addresses: [String]
        /// Connections refused or timed out, and answers that were nonsense.
        package var failures: UInt64
        /// What it speaks: `openai`, `kserve-v2`, `ollama` or `raw`; nil, here and below: it is not known or not given.
        package var engine: String?
        /// What the server calls the model.
        package var upstreamModel: String?
        package var weight: UInt16?

        package init(
            url: String, addresses: [String], failures: UInt64 = 0, engine: String? = nil, upstreamModel: String? = nil,
            weight: UInt16? = nil
        ) {
            self.url = url
            self.addresses = addresses
            self.failures = failures
            self.engine = engine
            self.upstreamModel = upstreamModel
            self.weight = weight
        }

        /// - Parameter failures: by address.
        fileprivate init(_ endpoint: Endpoint, failures: [SocketAddress: UInt64]) {
            self.init(
                url: endpoint.url, addresses: endpoint.addresses.map(\.description),
                failures: endpoint.addresses.reduce(0) { $0 + (failures[$1] ?? 0) }, engine: endpoint.engine.rawValue,
                upstreamModel: endpoint.upstreamModel, weight: endpoint.weight)
        }
    }

    package var name: String
    package var source: Source
    /// The custom resource that has brought it, `Model/llama`; nil: none has.
    package var resource: String?
    package var endpoints: [EndpointReport]
    /// Used only when none of `endpoints` is usable; nil, here and below: the model is not of the catalogue.
    package var fallback: [EndpointReport]?
    package var capabilities: [String]?
    /// Of requests that name the model itself.
    package var routing: RoutingReport?
    package var requests: UInt64
    package var active: UInt64
    package var status2xx: UInt64
    package var status3xx: UInt64
    package var status4xx: UInt64
    package var status5xx: UInt64
    /// Answers that broke in the middle.
    package var broken: UInt64
    /// Exchanges that the caller gave up.
    package var cancelled: UInt64
    package var bytesIn: UInt64
    package var bytesOut: UInt64
    /// Requests answered 429: over the limit of requests, over that of tokens.
    package var rateLimited: UInt64
    package var tokenLimited: UInt64
    /// Requests answered 403: the client may not call the model.
    package var accessRefused: UInt64
    /// Tokens used, prompts and answers, counted while the model has a limit of tokens.
    package var tokens: UInt64
    package var firstByte: LatencyReport

    package init(name: String, source: Source, endpoints: [EndpointReport] = [], counters: ModelCounters = ModelCounters()) {
        self.name = name
        self.source = source
        self.endpoints = endpoints
        requests = counters.requests
        active = counters.active
        status2xx = counters.status2xx
        status3xx = counters.status3xx
        status4xx = counters.status4xx
        status5xx = counters.status5xx
        broken = counters.broken
        cancelled = counters.cancelled
        bytesIn = counters.bytesIn
        bytesOut = counters.bytesOut
        rateLimited = counters.rateLimited
        tokenLimited = counters.tokenLimited
        accessRefused = counters.accessRefused
        tokens = counters.tokens
        firstByte = LatencyReport(counters.firstByte)
    }

    /// A model of the catalogue; `failures` by endpoint address.
    package init(_ model: Model, counters: ModelCounters = ModelCounters(), failures: [SocketAddress: UInt64] = [:]) {
        let endpoints = model.endpoints.map { EndpointReport($0, failures: failures) }
        self.init(name: model.name, source: .catalog, endpoints: endpoints, counters: counters)
        fallback = model.fallback.map { EndpointReport($0, failures: failures) }
        capabilities = model.capabilities
        routing = RoutingReport(model.routing)
    }
}

/// A latency histogram in three numbers; nil where nothing was measured.
package struct LatencyReport: Hashable, Sendable, Codable {
    package var count: UInt64
    package var meanMicroseconds: UInt64?
    /// Estimated: straight between the bounds of the bucket that holds them. Beyond the last bound, that bound.
    package var p50Microseconds: UInt64?
    /// nil: an agent that does not say.
    package var p95Microseconds: UInt64?
    package var p99Microseconds: UInt64?
    /// In each bucket of the scale `firstToken`, not cumulative; nil: nothing was measured, or an agent that does not say.
    package var counts: [UInt64]?

    package init(_ histogram: Histogram) {
        var total: UInt64 = 0
        for index in histogram.counts.indices { total += histogram.counts[index] }
        count = total
        guard total > 0 else { return }
        counts = histogram.counts.indices.map { histogram.counts[$0] }
        meanMicroseconds = histogram.sum / total
        p50Microseconds = Self.quantile(0.50, of: histogram, total: total)
        p95Microseconds = Self.quantile(0.95, of: histogram, total: total)
        p99Microseconds = Self.quantile(0.99, of: histogram, total: total)
    }

    private static func quantile(_ quantile: Double, of histogram: Histogram, total: UInt64) -> UInt64 {
        let bounds = HistogramScale.firstToken.bounds
        let rank = quantile * Double(total)
        var below = 0.0
        for index in bounds.indices {
            let here = Double(histogram.counts[index])
            if here > 0, below + here >= rank {
                let lower = index == 0 ? 0 : Double(bounds[index - 1])
                return UInt64(lower + (Double(bounds[index]) - lower) * (rank - below) / here)
            }
            below += here
        }
        return bounds[bounds.count - 1]
    }
}
