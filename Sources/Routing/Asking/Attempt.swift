/// One request on its way to an endpoint. Whoever began it ends it, once.
package struct Attempt: Hashable, Sendable {
    package let number: EndpointNumber
    /// Nanoseconds.
    package let start: UInt64
    package let isTrial: Bool
    package let isStream: Bool
    let isFallback: Bool
    /// The agent watches over the server, and says itself when that does not run.
    let isOnDemand: Bool
    /// It carries the broker's own key, so that a refusal of it concerns the broker.
    let hasBrokerKey: Bool
    /// It was answered, and that was counted.
    var isAnswered = false
    /// Index in the router's list of breaker policies.
    let policy: Int32
    let route: Int32
    /// The table by which `route` is counted.
    let version: UInt32
    /// What it has a slot of: the model's number over reloads; -1: it needed none.
    package let slot: Int32
    /// The group that it is counted for.
    package let group: Int16
    /// The scheduler counts it as under way, too.
    package let isBooked: Bool
    /// The breaker's, when it began.
    let epoch: UInt32
}
