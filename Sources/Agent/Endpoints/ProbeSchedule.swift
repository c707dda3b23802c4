internal import Catalog

/// When which endpoint is asked whether it takes connections, and what follows from the answers. Pure: it does no I/O, and
/// time is nanoseconds of any steady clock.
///
/// An endpoint is asked every 250 ms and has 200 ms to answer. Two failures in a row make it unusable, one success makes
/// it usable again: a dead endpoint is found in 700 ms at the latest.
struct ProbeSchedule: Sendable {
    static let period: UInt64 = 250_000_000
    static let timeout: UInt64 = 200_000_000
    static let failuresToFall = 2

    private struct Target: Sendable {
        var next: UInt64
        /// Of the probe under way; nil: there is none.
        var deadline: UInt64?
        var failures = 0
        var usable: Bool
    }

    private var targets: [SocketAddress: Target] = [:]

    /// What is known of each endpoint.
    var usable: [SocketAddress: Bool] { targets.mapValues(\.usable) }

    func isUsable(_ address: SocketAddress) -> Bool? { targets[address]?.usable }

    /// From now on these are asked, no others. What is known of those that stay is kept; the others are taken to be as they
    /// are given and are asked first of all, spread over one period.
    mutating func watch(_ wanted: [SocketAddress: Bool], now: UInt64) {
        var kept: [SocketAddress: Target] = [:]
        let step = Self.period / UInt64(max(1, wanted.count))
        // Sorted, so that the same endpoints are always asked in the same order.
        for (index, address) in wanted.keys.sorted(by: { $0.description < $1.description }).enumerated() {
            let fresh = Target(next: now + UInt64(index) * step, usable: wanted[address] ?? true)
            kept[address] = targets[address] ?? fresh
        }
        targets = kept
    }

    /// The endpoints to ask now. Each counts as being asked until it is `finished`.
    mutating func due(_ now: UInt64) -> [SocketAddress] {
        var due: [SocketAddress] = []
        for (address, target) in targets where target.deadline == nil && target.next <= now {
            targets[address]?.deadline = now + Self.timeout
            // One that was held up is not asked twice to make up for it.
            let missed = (now - target.next) / Self.period
            targets[address]?.next = target.next + (missed + 1) * Self.period
            due.append(address)
        }
        return due
    }

    /// The endpoints that have not answered in time; each is still to be `finished`.
    func late(_ now: UInt64) -> [SocketAddress] {
        targets.filter { $0.value.deadline.map { $0 <= now } ?? false }.map(\.key)
    }

    /// A probe is over. Returns what the endpoint has become if it was something else before.
    mutating func finished(_ address: SocketAddress, succeeded: Bool) -> Bool? {
        guard var target = targets[address], target.deadline != nil else { return nil }
        let before = target.usable
        target.deadline = nil
        target.failures = succeeded ? 0 : target.failures + 1
        if succeeded { target.usable = true } else if target.failures >= Self.failuresToFall { target.usable = false }
        targets[address] = target
        return target.usable == before ? nil : target.usable
    }

    /// A probe could not be made, for want of something that is not the endpoint's.
    mutating func abandoned(_ address: SocketAddress) { targets[address]?.deadline = nil }

    /// When something is due next; nil: nothing ever.
    var next: UInt64? { targets.values.map { $0.deadline ?? $0.next }.min() }
}
