/// What all event loops count and remember together, without a lock.
package final class RoutingShared: Sendable {
    private let inFlight = AtomicWords(count: EndpointNumbers.limit)
    let sessions = SessionTable()

    package init() {}

    deinit {
        inFlight.deallocate()
        sessions.deallocate()
    }

    /// Requests under way to the endpoint, of all event loops.
    package func inFlight(_ number: EndpointNumber) -> Int { Int(truncatingIfNeeded: inFlight.load(Int(number))) }

    func begin(_ number: EndpointNumber) { inFlight.add(Int(number), 1) }

    func end(_ number: EndpointNumber) { inFlight.add(Int(number), .max) }
}
