internal import Catalog
internal import Control

/// What an engine said.
struct LoadReading: Hashable, Sendable {
    /// Requests, running and waiting.
    var load: UInt32
    /// Which of its readings this is. Those of an engine that goes on having nothing to do are one.
    var number: UInt32 = 1
}

/// What engines said last of how busy they are. Pure; time is nanoseconds of any steady clock.
struct LoadBook: Sendable {
    /// Longest page that is read.
    static let bodyLimit = 2 << 20

    private var staleAfter: [EndpointKey: UInt64] = [:]
    private var readings: [EndpointKey: (reading: LoadReading, time: UInt64)] = [:]

    /// From now on these are asked. What is known of those that stay is kept.
    mutating func adopt(_ wanted: [EndpointKey: UInt64]) {
        staleAfter = wanted
        readings = readings.filter { wanted[$0.key] != nil }
    }

    mutating func take(_ key: EndpointKey, _ load: UInt32, now: UInt64) {
        guard staleAfter[key] != nil else { return }
        let last = readings[key]?.reading ?? LoadReading(load: 0, number: 0)
        let isNew = load != 0 || last.load != 0 || last.number == 0
        readings[key] = (LoadReading(load: load, number: isNew ? last.number &+ 1 : last.number), now)
    }

    /// Those that were read lately enough.
    func loads(now: UInt64) -> [EndpointKey: LoadReading] {
        readings.filter { key, reading in
            now < reading.time + (staleAfter[key] ?? 0)
        }.mapValues(\.reading)
    }
}

extension Catalog {
    /// The questions for metrics: one for each server at each address, as the first endpoint that has one says it; with the
    /// nanoseconds after which an answer says nothing any more.
    var metricsErrands: [(errand: Errand, plan: InquiryPlan, staleAfter: UInt64)] {
        var seen: Set<EndpointKey> = []
        return placedEndpoints.map(\.endpoint).flatMap { endpoint -> [(errand: Errand, plan: InquiryPlan, staleAfter: UInt64)] in
            guard let metrics = endpoint.metrics else { return [] }
            let period = UInt64(max(100, metrics.period)) * 1_000_000
            return endpoint.addresses.compactMap { address in
                guard seen.insert(EndpointKey(url: endpoint.url, address: address)).inserted else { return nil }
                let plan = InquiryPlan(
                    addresses: [address], request: InquiryRequest.bytes("GET", metrics.path, to: endpoint), period: period,
                    timeout: max(period, 500_000_000), bodyLimit: LoadBook.bodyLimit, tls: endpoint.tls)
                return (
                    Errand(purpose: .metrics, url: endpoint.url, address: address), plan,
                    UInt64(max(1, metrics.staleAfter)) * 1_000_000
                )
            }
        }
    }
}
