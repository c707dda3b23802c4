import Catalog

/// Makes the parts of a routing table, one after the other.
struct TableBuilder {
    /// A target with what pools choose it by.
    private struct Place {
        var target: Int
        var labels: [String: String]
        var weight: Double
    }

    private let catalog: Catalog
    private let tree: CapabilityTree
    private var modelNumbers: [String: Int] = [:]
    private var providers: [String: Int] = [:]
    /// For each model, its own targets and those it falls back to.
    private var places: [(own: [Place], fallback: [Place])] = []

    let modelNames: NameTable
    private(set) var names = NameTable()
    private(set) var routeOfName: [Int] = []
    private(set) var routes: [Route] = []
    private(set) var targets: [Target] = []
    private(set) var routeOfModel: [Int] = []
    private(set) var leftOut = 0
    /// Of each model, its number over reloads; nil: there was none left.
    private(set) var slots: [Int32?] = []

    init(_ catalog: Catalog) {
        self.catalog = catalog
        tree = CapabilityTree(custom: catalog.capabilities)
        modelNames = NameTable(catalog.models.lazy.map(\.name))
        modelNumbers = Dictionary(catalog.models.enumerated().map { ($1.name, $0) }, uniquingKeysWith: { first, _ in first })
    }

    mutating func build(_ numbers: inout EndpointNumbers) {
        for model in catalog.models { slots.append(numbers.modelNumber(model.name)) }
        for (index, model) in catalog.models.enumerated() {
            let own = model.endpoints.flatMap { place($0, index, model.name, isFallback: false, &numbers) }
            let fallback = model.fallback.flatMap { place($0, index, model.name, isFallback: true, &numbers) }
            places.append((own, fallback))
        }
        for (index, pool) in catalog.pools.enumerated() { add(pool, index, &numbers) }
        for (index, model) in catalog.models.enumerated() {
            routeOfModel.append(routes.count)
            add(Route(name: model.name, kind: .model, policy: model.routing), [(index, 1)], selector: [:])
        }
        for path in tree.paths { addCapability(path) }
        for (index, pool) in catalog.pools.enumerated() {
            guard let mirror = pool.mirror, let route = route(named: mirror.model) else { continue }
            routes[index].mirror = Route.Mirror(route: route, percent: mirror.percent)
        }
    }

    // MARK: Targets

    /// The targets of an endpoint, one for each address; `name`: what callers ask for.
    private mutating func place(
        _ endpoint: Endpoint, _ model: Int, _ name: String, isFallback: Bool, _ numbers: inout EndpointNumbers
    ) -> [Place] {
        let nowhere = SocketAddress(ip: IPAddress(v4: 0, 0, 0, 0), port: endpoint.port)
        let addresses = endpoint.addresses.isEmpty ? [nowhere] : endpoint.addresses
        return addresses.compactMap { address in
            let number = numbers.number(model: catalog.models[model].name, url: endpoint.url, address: address)
            guard let number else {
                leftOut += 1
                return nil
            }
            targets.append(
                target(endpoint, model, name, number, address, isFallback: isFallback))
            return Place(
                target: targets.count - 1, labels: endpoint.labels, weight: Double(endpoint.weight) / Double(addresses.count))
        }
    }

    private mutating func target(
        _ endpoint: Endpoint, _ model: Int, _ name: String, _ number: EndpointNumber, _ address: SocketAddress, isFallback: Bool
    ) -> Target {
        let provider = providers[endpoint.effectiveProvider] ?? providers.count
        providers[endpoint.effectiveProvider] = provider
        return Target(
            number: number, model: model, modelName: Array((endpoint.upstreamModel ?? name).utf8), address: address,
            authority: Array(endpoint.authority.utf8), pathPrefix: Array(endpoint.pathPrefix.utf8), engine: endpoint.engine,
            tls: endpoint.tls, authorization: endpoint.key.map { Array("Bearer \($0.reveal)".utf8) } ?? [],
            forwardsCredentials: endpoint.forwardsCredentials, weight: endpoint.weight, cost: endpoint.cost, provider: provider,
            url: endpoint.url, isFallback: isFallback, isUnresolved: endpoint.addresses.isEmpty,
            asksStreamUsage: catalog.models[model].asksStreamUsage, slot: slots[model],
            isGoverned: isGoverned(catalog.models[model]) || isGoverned(endpoint), maxInFlight: endpoint.maxInFlight,
            isOnDemand: endpoint.isOnDemand)
    }

    /// One limited endpoint is enough for all of a model to be counted, and to wait in one line.
    private func isGoverned(_ model: Model) -> Bool {
        model.maxInFlight != nil || (model.endpoints + model.fallback).contains { isGoverned($0) }
    }

    private func isGoverned(_ endpoint: Endpoint) -> Bool { endpoint.maxInFlight != nil || endpoint.isOnDemand }

    // MARK: Routes

    private mutating func add(_ pool: Pool, _ index: Int, _ numbers: inout EndpointNumbers) {
        let members = members(of: pool)
        var own: [Place] = []
        // Limits and access are a model's: a pool without one has nothing that could govern its fallback.
        if let first = members.first?.model {
            own = pool.fallback.flatMap { place($0, first, pool.name, isFallback: true, &numbers) }
        }
        let route = Route(name: pool.name, kind: .pool, policy: pool.routing, pool: index)
        add(route, members, selector: pool.selector, fallback: own)
    }

    private func members(of pool: Pool) -> [(model: Int, weight: UInt16)] {
        var members: [(model: Int, weight: UInt16)] = []
        for member in pool.models {
            guard let number = modelNumbers[member.model], !members.contains(where: { $0.model == number }) else { continue }
            members.append((number, member.weight))
        }
        let named = Set(members.map(\.model))
        let isOfAll = pool.models.isEmpty && pool.capability == nil
        for (index, model) in catalog.models.enumerated() where !named.contains(index) {
            let has = pool.capability.map { wanted in model.capabilities.contains { CapabilityTree.satisfies($0, wanted) } }
            if has ?? isOfAll { members.append((index, 1)) }
        }
        return members
    }

    private mutating func addCapability(_ path: String) {
        let members = catalog.models.indices.filter { index in
            catalog.models[index].capabilities.contains { CapabilityTree.satisfies($0, path) }
        }
        guard !members.isEmpty else { return }
        let route = routes.count
        add(Route(name: path, kind: .capability, policy: RoutingPolicy()), members.map { ($0, 1) }, selector: [:])
        var rest = path[...]
        while let dot = rest.firstIndex(of: ".") {
            rest = rest[rest.index(after: dot)...]
            if tree.path(String(rest)) == path { claim(String(rest), route) }
        }
        for alias in tree.aliases(of: path) { claim(alias, route) }
    }

    private mutating func add(
        _ empty: Route, _ members: [(model: Int, weight: UInt16)], selector: [String: String], fallback: [Place] = []
    ) {
        var route = empty
        var backing: [Route.Share] = []
        for place in fallback {
            route.fallbacks.append(place.target)
            backing.append(Route.Share(member: -1, memberWeight: 1, weight: place.weight))
        }
        for (number, member) in members.enumerated() {
            let isChosen = { (place: Place) in selector.allSatisfy { place.labels[$0.key] == $0.value } }
            let share = { (place: Place) in
                Route.Share(member: number, memberWeight: Double(member.weight), weight: place.weight)
            }
            let own = places[member.model].own.filter(isChosen)
            let others = places[member.model].fallback.filter(isChosen)
            if own.isEmpty && others.isEmpty && !selector.isEmpty { continue }
            route.models.append(member.model)
            route.candidates += own.map(\.target)
            route.shares += own.map(share)
            route.fallbacks += others.map(\.target)
            backing += others.map(share)
        }
        route.shares += backing
        route.salt = Hash.text(route.name)
        claim(route.name, routes.count)
        routes.append(route)
    }

    /// The first one that claims a name has it.
    private mutating func claim(_ name: String, _ route: Int) {
        let bytes = Array(name.utf8)
        if names.insert(bytes.span) == routeOfName.count { routeOfName.append(route) }
    }

    private func route(named name: String) -> Int? {
        let bytes = Array(name.utf8)
        return names.find(bytes.span).map { routeOfName[$0] }
    }
}
