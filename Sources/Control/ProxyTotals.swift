internal import Telemetry

/// What a proxy has counted since it started: what stays to be told when it is no more. Sums wrap round rather than trap, since
/// it is another process that says what goes into them.
package struct ProxyTotals: Hashable, Sendable {
    package var statistics: ProxyStatistics
    package var endpoints: [EndpointRecord]
    package var routes: [RouteRecord]

    package init(statistics: ProxyStatistics = ProxyStatistics(), endpoints: [EndpointRecord] = [], routes: [RouteRecord] = []) {
        self.statistics = statistics
        self.endpoints = endpoints
        self.routes = routes
    }

    /// Without what was under way: of a proxy that has ended.
    package var ended: ProxyTotals {
        var totals = self
        totals.statistics.openConnections = 0
        for index in totals.statistics.models.indices { totals.statistics.models[index].counters.active = 0 }
        for index in totals.statistics.clients.indices { totals.statistics.clients[index].counters.active = 0 }
        for index in totals.endpoints.indices { totals.endpoints[index].inFlight = 0 }
        return totals
    }

    /// Takes in what another proxy has counted. Facts of the process, and how endpoints stand, remain those of this one.
    package mutating func add(_ other: ProxyTotals) {
        statistics.add(other.statistics)
        endpoints.add(other.endpoints, keepsUnknown: true)
        routes.add(other.routes, keepsUnknown: true)
    }
}

extension ProxyStatistics {
    /// Adds what another proxy counted; facts of the process remain those of this one.
    package mutating func add(_ other: ProxyStatistics) {
        self += other
        var places = Dictionary(models.indices.map { (models[$0].name, $0) }) { first, _ in first }
        for entry in other.models {
            if let place = places[entry.name] {
                models[place].counters += entry.counters
            } else {
                places[entry.name] = models.count
                models.append(entry)
            }
        }
        var clientPlaces = Dictionary(clients.indices.map { (clients[$0].name, $0) }) { first, _ in first }
        for entry in other.clients {
            if let place = clientPlaces[entry.name] {
                clients[place].counters += entry.counters
            } else {
                clientPlaces[entry.name] = clients.count
                clients.append(entry)
            }
        }
    }

    /// Adds the numbers; models, clients and facts of the process are left to the caller.
    package static func += (sum: inout ProxyStatistics, part: ProxyStatistics) {
        sum.acceptedCaptured &+= part.acceptedCaptured
        sum.acceptedGateway &+= part.acceptedGateway
        sum.openConnections &+= part.openConnections
        sum.withoutOrigin &+= part.withoutOrigin
        sum.opaque &+= part.opaque
        sum.unnamed &+= part.unnamed
        sum.refused &+= part.refused
        sum.upstreamConnects &+= part.upstreamConnects
        sum.upstreamReuses &+= part.upstreamReuses
        sum.upstreamConnectFailures &+= part.upstreamConnectFailures
        sum.staleRetries &+= part.staleRetries
        sum.acceptFailures &+= part.acceptFailures
        sum.tagFailures &+= part.tagFailures
        sum.unauthenticated &+= part.unauthenticated
        sum.identityConflicts &+= part.identityConflicts
        sum.tokensChecked &+= part.tokensChecked
        sum.auditLines &+= part.auditLines
        sum.auditDropped &+= part.auditDropped
        sum.spans &+= part.spans
        sum.spansDropped &+= part.spansDropped
        sum.tlsHandshakes &+= part.tlsHandshakes
        sum.tlsHandshakeFailures &+= part.tlsHandshakeFailures
    }
}

extension [EndpointRecord] {
    /// Adds what another proxy counted of the endpoints; how they stand remains what this one says.
    ///
    /// - Parameter keepsUnknown: takes in those that are not known here, too.
    package mutating func add(_ others: [EndpointRecord], keepsUnknown: Bool = false) {
        let places = Dictionary(indices.map { (EndpointName(self[$0]), $0) }) { first, _ in first }
        for other in others {
            guard let place = places[EndpointName(other)] else {
                if keepsUnknown { append(other) }
                continue
            }
            self[place].inFlight &+= other.inFlight
            self[place].requests &+= other.requests
            self[place].failures &+= other.failures
            self[place].fallbacks &+= other.fallbacks
        }
    }
}

extension [RouteRecord] {
    /// Adds what another proxy counted of the routes.
    ///
    /// - Parameter keepsUnknown: takes in those that are not known here, too.
    package mutating func add(_ others: [RouteRecord], keepsUnknown: Bool = false) {
        let places = Dictionary(indices.map { (self[$0].name, $0) }) { first, _ in first }
        for other in others {
            guard let place = places[other.name] else {
                if keepsUnknown { append(other) }
                continue
            }
            self[place].merge(other)
        }
    }
}

extension RouteRecord {
    /// Adds what was counted elsewhere.
    package mutating func merge(_ other: RouteRecord) {
        requests &+= other.requests
        retries &+= other.retries
        hedges &+= other.hedges
        hedgesWon &+= other.hedgesWon
        budgetDenied &+= other.budgetDenied
        fallbacks &+= other.fallbacks
        exhausted &+= other.exhausted
        mirrored &+= other.mirrored
        mirrorFailures &+= other.mirrorFailures
        rotations &+= other.rotations
    }
}

/// What an endpoint is known by in all proxies.
private struct EndpointName: Hashable {
    let model: String
    let key: EndpointKey

    init(_ record: EndpointRecord) {
        model = record.model
        key = record.key
    }
}
