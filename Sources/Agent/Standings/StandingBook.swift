internal import Catalog
internal import Control

/// What the agent knows of every server that the catalogue names: what health checks found, who was taken out by hand, and
/// who is in maintenance. Pure; time is seconds since 1970.
struct StandingBook: Sendable {
    /// A server at one address.
    private struct Place: Sendable {
        /// The models, and the pools whose fallback it is, each once.
        var names: [String]
        var maintenance: MaintenancePlan
        /// End of the window under way, milliseconds since 1970; 0: none.
        var until: UInt64 = 0
        /// Its server is started when it is needed.
        var isOnDemand = false
    }

    /// A server that gets requests again, or no more, and why.
    struct Turn: Hashable, Sendable {
        let key: EndpointKey
        let names: [String]
        /// nil: active.
        let reason: StandbyReason?
        let former: StandbyReason?
        let detail: String

        /// Whether it answers is one thing, whether it shall be used is another.
        var kind: EventReport.Kind {
            switch (reason, former) {
            case (.probe, _): .endpointDown
            case (nil, .probe), (.engine, .probe): .endpointUp
            case (nil, _): .endpointActive
            default: .endpointStandby
            }
        }
    }

    private var order: [EndpointKey] = []
    /// What each server has, by URL, resolved or not: models, and pools whose fallback it is.
    private var servers: [String: [String]] = [:]
    private var places: [EndpointKey: Place] = [:]
    private var tally = HealthTally()
    /// Of endpoints on demand: whether their servers run.
    private var engines: [EndpointKey: EngineStanding] = [:]
    /// Requests that engines themselves count.
    private var loads: [EndpointKey: LoadReading] = [:]
    /// By URL. Those that the catalogue does not have (any more) are kept: an endpoint that is out of the configuration for
    /// one reload must not come back in use behind the back of whoever drained it.
    private(set) var drained: Set<String>

    init(drained: Set<String> = []) { self.drained = drained }

    /// From now on these are the servers. What is known of those that stay is kept.
    ///
    /// Where several endpoints are the same server, the first that has a health check counts for it, and the windows of all
    /// of them.
    mutating func adopt(_ catalog: Catalog, now: UInt64) {
        var next: [EndpointKey: Place] = [:]
        var thresholds: [EndpointKey: HealthTally.Thresholds] = [:]
        order = []
        servers = [:]
        for placed in catalog.placedEndpoints {
            let endpoint = placed.endpoint
            if servers[endpoint.url]?.contains(placed.name) != true { servers[endpoint.url, default: []].append(placed.name) }
            for key in placed.keys {
                if next[key] == nil { order.append(key) }
                var place = next[key] ?? Place(names: [], maintenance: MaintenancePlan())
                if !place.names.contains(placed.name) { place.names.append(placed.name) }
                place.maintenance.add(endpoint.maintenance)
                if endpoint.isOnDemand { place.isOnDemand = true }
                next[key] = place
                guard endpoint.health.period > 0, thresholds[key] == nil else { continue }
                thresholds[key] = .init(failures: max(1, endpoint.health.failures), successes: max(1, endpoint.health.successes))
            }
        }
        places = next
        look(now)
        tally.watch(thresholds)
    }

    /// Takes in what a health check found.
    ///
    /// A server that is not to run cannot be unwell.
    mutating func take(_ key: EndpointKey, fault: String?) -> HealthTally.Change {
        switch phase(of: key) {
        case .always, .ready: tally.take(key, fault: fault)
        case .asleep, .starting, .stopping, .failed: .none
        }
    }

    /// Takes in which servers on demand run. One that has just become ready is well.
    mutating func take(_ new: [EndpointKey: EngineStanding]) {
        for (key, standing) in new where standing.phase != .ready || engines[key]?.phase != .ready { tally.forget(key) }
        engines = new
    }

    mutating func take(_ new: [EndpointKey: LoadReading]) { loads = new }

    private func phase(of key: EndpointKey) -> EnginePhase {
        engines[key]?.phase ?? (places[key]?.isOnDemand == true ? .asleep : .always)
    }

    /// Takes a server out, or back in. False if it was so already.
    mutating func drain(_ url: String) -> Bool { drained.insert(url).inserted }
    mutating func enable(_ url: String) -> Bool { drained.remove(url) != nil }

    /// Looks which windows have begun and ended.
    mutating func look(_ now: UInt64) {
        for (key, place) in places where !place.maintenance.isEmpty {
            places[key]?.until = place.maintenance.end(at: now) ?? 0
        }
    }

    /// When a window begins or ends next; nil: there is none.
    func next(after now: UInt64) -> UInt64? {
        places.values.compactMap { place -> UInt64? in
            guard !place.maintenance.isEmpty else { return nil }
            return place.until > 0 ? (place.until + 999) / 1000 : place.maintenance.next(after: now)
        }.min()
    }

    /// Those of which there is something to say, in the catalogue's order: what the proxy is told.
    var standings: [EndpointStanding] {
        order.compactMap { key in
            let standing = standing(of: key)
            return standing == EndpointStanding(key: key) ? nil : standing
        }
    }

    func standing(of key: EndpointKey) -> EndpointStanding {
        EndpointStanding(
            key: key, fault: tally.fault(of: key), isDrained: drained.contains(key.url),
            maintenanceUntil: places[key]?.until ?? 0, phase: phase(of: key), retryAt: engines[key]?.retryAt ?? 0,
            load: loads[key]?.load, reading: loads[key]?.number ?? 0)
    }

    /// The models that a server has, and the pools whose fallback it is; nil: the catalogue has no such URL.
    func names(of url: String) -> [String]? { servers[url] }

    /// Drained, and not in the catalogue.
    var forgotten: [String] { drained.filter { servers[$0] == nil }.sorted() }

    /// What has changed since these were the standings.
    func turns(since before: [EndpointStanding]) -> [Turn] {
        let former = Dictionary(before.map { ($0.key, $0) }) { first, _ in first }
        return order.compactMap { key in
            let now = standing(of: key)
            let reason = former[key]?.reason
            guard let names = places[key]?.names, now.reason != reason else { return nil }
            // A server on demand that comes and goes is told of as that.
            if (now.reason ?? .engine) == .engine, (reason ?? .engine) == .engine { return nil }
            return Turn(
                key: key, names: names, reason: now.reason, former: reason, detail: now.detail)
        }
    }
}

extension EndpointStanding {
    /// Why it gets no requests, as far as the agent knows; nil: it gets them.
    var reason: StandbyReason? {
        if maintenanceUntil > 0 { return .maintenance }
        if isDrained { return .drained }
        if !fault.isEmpty { return .probe }
        return phase == .always || phase == .ready ? nil : .engine
    }

    var detail: String {
        switch reason {
        case .maintenance: "until " + Timestamp.text(seconds: Int(maintenanceUntil / 1000), milliseconds: 0)
        case .drained: "by hand"
        case .probe: fault
        case .engine: phase.text
        default: ""
        }
    }
}
