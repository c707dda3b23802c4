import Control
import Routing

/// An endpoint's record with what it is known by in every loop.
struct NumberedRecord: Sendable {
    var number: EndpointNumber
    var record: EndpointRecord
}

/// What several event loops say of endpoints and routes, taken together.
struct RoutingSums {
    /// In the order of the first loop's catalogue.
    private var endpoints: [NumberedRecord] = []
    private var places: [EndpointNumber: Int] = [:]
    private var routes: [RouteRecord] = []
    private var routePlaces: [String: Int] = [:]

    var endpointRecords: [EndpointRecord] { endpoints.map(\.record) }
    var routeRecords: [RouteRecord] { routes }

    mutating func add(_ part: [NumberedRecord]) {
        for record in part {
            if let place = places[record.number] {
                endpoints[place].record.merge(record.record)
            } else {
                places[record.number] = endpoints.count
                endpoints.append(record)
            }
        }
    }

    mutating func add(_ part: [RouteRecord]) {
        for record in part {
            if let place = routePlaces[record.name] {
                routes[place].merge(record)
            } else {
                routePlaces[record.name] = routes.count
                routes.append(record)
            }
        }
    }
}

extension EndpointRecord {
    /// Adds what another loop says. What is under way is counted by all loops together; on standby anywhere is on standby.
    fileprivate mutating func merge(_ other: EndpointRecord) {
        firstByteMean = Self.mean(firstByteMean, requests, other.firstByteMean, other.requests)
        latencyMean = Self.mean(latencyMean, requests, other.latencyMean, other.requests)
        if let reason = other.standby, standby.map({ reason.rawValue < $0.rawValue }) ?? true {
            standby = reason
            detail = other.detail
            remaining = other.remaining
        } else if other.standby == standby {
            remaining = max(remaining, other.remaining)
            if detail.isEmpty { detail = other.detail }
        }
        if breaker == .closed || other.breaker == .open { breaker = other.breaker }
        inFlight = max(inFlight, other.inFlight)
        requests += other.requests
        failures += other.failures
        fallbacks += other.fallbacks
        limitUse = [limitUse, other.limitUse].compactMap(\.self).max()
    }

    /// By the number of requests; 0 is not known.
    private static func mean(_ first: UInt64, _ firstCount: UInt64, _ second: UInt64, _ secondCount: UInt64) -> UInt64 {
        guard first > 0, firstCount > 0 else { return second }
        guard second > 0, secondCount > 0 else { return first }
        let sum = Double(first) * Double(firstCount) + Double(second) * Double(secondCount)
        return UInt64(sum / Double(firstCount + secondCount))
    }
}
