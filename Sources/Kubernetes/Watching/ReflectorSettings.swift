/// How a resource is followed. Times are nanoseconds.
package struct ReflectorSettings: Hashable, Sendable {
    package var query: ResourceQuery
    /// Objects of one page of a list.
    package var pageSize = 500
    /// Bytes of one page, of one event, and of a refusal, that are read at most.
    package var maximumPage = 16 << 20
    package var maximumEvent = 4 << 20
    package var maximumRefusal = 64 << 10
    /// Objects and pages at most.
    package var maximumObjects = 4_096
    package var maximumPages = 1_000
    /// The server ends a watch after this, give or take a fifth, so that not all watches of all nodes begin anew at once.
    package var watchSeconds = 300
    /// For a page of a list; for a watch to begin, and to end behind its time.
    package var patience: UInt64 = 30_000_000_000
    /// Before the first repetition, doubled with each further one, and the longest. Half of each is by chance.
    package var firstWait: UInt64 = 500_000_000
    package var longestWait: UInt64 = 30_000_000_000
    /// A server that does not know the resource (404) has no objects of it; else it is a server that can't be used.
    package var maybeUnknown = false

    package init(query: ResourceQuery) { self.query = query }
}

/// What a reflector wants to ask.
package struct ReflectorRequest: Hashable, Sendable {
    /// Path and query, for GET.
    package var target: String
    package var isWatch: Bool
}

/// How a reflector gets on with the server.
package enum ReflectorCondition: Hashable, Sendable {
    /// It has not heard the server yet.
    case starting
    /// The store is what the server says.
    case synced
    /// The server cannot be used; the store is what was last known.
    case away(reason: String)
}
