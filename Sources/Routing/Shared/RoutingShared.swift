/// What all event loops count and remember together, without a lock.
package final class RoutingShared: Sendable {
    let inFlight = AtomicWords(count: EndpointNumbers.limit)
    /// Failures without a success between them. A breaker of every event loop opens by this one count: with a count for each,
    /// a dead endpoint would get so many more requests the more loops there are.
    private let failures = AtomicWords(count: EndpointNumbers.limit)
    let sessions = SessionTable()
    let slots = SlotWords()

    package init() {}

    deinit {
        inFlight.deallocate()
        failures.deallocate()
        sessions.deallocate()
        slots.deallocate()
    }

    /// Requests under way to the endpoint, of all event loops.
    package func inFlight(_ number: EndpointNumber) -> Int { Int(truncatingIfNeeded: inFlight.load(Int(number))) }

    func begin(_ number: EndpointNumber) { inFlight.add(Int(number), 1) }

    func end(_ number: EndpointNumber) { inFlight.add(Int(number), .max) }

    /// How many failures there are in a row, with this one.
    func failed(_ number: EndpointNumber) -> UInt64 { failures.add(Int(number), 1) &+ 1 }

    /// An endpoint that is well costs the reading of a word that nobody writes.
    func clearFailures(_ number: EndpointNumber) {
        if failures.load(Int(number)) != 0 { failures.store(Int(number), 0) }
    }
}
