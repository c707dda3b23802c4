/// One request on its way to an endpoint. Whoever began it ends it, once.
package struct Attempt: Hashable, Sendable {
    package let number: EndpointNumber
    /// Nanoseconds.
    package let start: UInt64
    package let isTrial: Bool
    let isStream: Bool
    let isFallback: Bool
    /// It carries the broker's own key, so that a refusal of it concerns the broker.
    let hasBrokerKey: Bool
    /// It was answered, and that was counted.
    var isAnswered = false
    /// Index in the router's list of breaker policies.
    let policy: Int32
    let route: Int32
    /// The table by which `route` is counted.
    let version: UInt32
    /// The breaker's, when it began.
    let epoch: UInt32
}

package enum Outcome: Hashable, Sendable {
    /// An answer to its end; nanoseconds from the start.
    case success(firstByte: UInt64, total: UInt64)
    case connectFailed
    /// The connection ended without an answer.
    case noAnswer
    /// An answer with a status of 400 or above, and the nanoseconds of its Retry-After.
    case status(UInt16, retryAfter: UInt64?)
    /// No first byte in time.
    case timedOut
    /// The answer began and did not end.
    case brokenStream
    /// The caller went, or another attempt was faster.
    case cancelled
}
