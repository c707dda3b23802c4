internal import Catalog

/// Which models servers say that they have, and what follows from it. Pure.
struct DiscoveryBook: Sendable {
    /// A model that came or went.
    struct Finding: Hashable, Sendable {
        let model: String
        let url: String
        let isNew: Bool
        /// It can be called from now on, or no longer.
        let isRegistered: Bool
    }

    /// Models that are registered at a time, of all servers together.
    static let maximumRegistered = 1000

    private struct Source: Sendable {
        var endpoint: Endpoint
        var onNew: Discovery.OnNew
        /// nil: it has not answered yet.
        var names: Set<String>?
    }

    /// In the order of the configuration.
    private var order: [String] = []
    private var sources: [String: Source] = [:]
    private var configured = ConfiguredNames(Catalog())
    /// The servers of each registered model.
    private var registered: [String: [String]] = [:]

    /// From now on this is the configuration. What the servers that stay have said is kept.
    mutating func adopt(_ catalog: Catalog) {
        configured = ConfiguredNames(catalog)
        var next: [String: Source] = [:]
        order = []
        for endpoint in catalog.placedEndpoints.map(\.endpoint) {
            guard let discovery = endpoint.discovery, next[endpoint.url] == nil else { continue }
            let former = sources[endpoint.url]
            let names = former?.endpoint.engine == endpoint.engine ? former?.names : nil
            next[endpoint.url] = Source(endpoint: endpoint, onNew: discovery.onNew, names: names)
            order.append(endpoint.url)
        }
        sources = next
        registered = chosen()
    }

    func engine(of url: String) -> Engine? { sources[url]?.endpoint.engine }

    /// Takes in what a server says now; one that does not answer keeps the models that it had.
    mutating func take(_ names: [String], from url: String) -> [Finding] {
        guard let source = sources[url] else { return [] }
        let (old, new) = (source.names ?? [], Set(names))
        let before = registered
        sources[url]?.names = new
        let after = chosen()
        registered = after
        let came = new.subtracting(old).filter { source.onNew != .ignore && !configured.has($0, at: url) }
        let went = old.subtracting(new).filter { source.onNew != .ignore || configured.has($0, at: url) }
        return came.sorted().map { Finding(model: $0, url: url, isNew: true, isRegistered: after[$0]?.contains(url) ?? false) }
            + went.sorted().map {
                Finding(model: $0, url: url, isNew: false, isRegistered: before[$0]?.contains(url) ?? false)
            }
    }

    /// A catalogue with the registered models behind its own. What the configuration names is never overridden, and no pool
    /// gets a member by it: registered endpoints have no labels, registered models no capabilities.
    func applied(to catalog: Catalog) -> Catalog {
        var result = catalog
        for (name, urls) in registered.sorted(by: { $0.key < $1.key }) {
            let endpoints = urls.compactMap { sources[$0]?.endpoint }.map { endpoint in
                var bare = endpoint
                bare.upstreamModel = nil
                bare.labels = [:]
                return bare
            }
            result.models.append(Model(name: name, endpoints: endpoints))
        }
        return result
    }

    private func chosen() -> [String: [String]] {
        var found: [String: [String]] = [:]
        for url in order {
            guard let source = sources[url], source.onNew == .register else { continue }
            for name in (source.names ?? []).sorted() where !configured.has(name, at: url) {
                guard found[name] != nil || found.count < Self.maximumRegistered else { continue }
                found[name, default: []].append(url)
            }
        }
        return found
    }
}

/// The names that a configuration gives away.
private struct ConfiguredNames: Sendable {
    private var names: Set<String>
    private var upstream: [String: Set<String>] = [:]
    private let tree: CapabilityTree

    init(_ catalog: Catalog) {
        names = Set(catalog.models.map(\.name) + catalog.pools.map(\.name))
        tree = CapabilityTree(custom: catalog.capabilities)
        for placed in catalog.placedEndpoints {
            upstream[placed.endpoint.url, default: []].insert(placed.endpoint.upstreamModel ?? placed.name)
        }
    }

    /// Callers mean something else by the name, or reach what the server calls so under another.
    func has(_ name: String, at url: String) -> Bool {
        names.contains(name) || upstream[url]?.contains(name) ?? false || tree.path(name) != nil
    }
}
