package import Catalog

/// Why a request may not pass now.
package struct Denial: Hashable, Sendable {
    package enum Kind: Hashable, Sendable {
        case requests
        case tokens
        case inputTokens
        case outputTokens
        /// Requests under way at once.
        case concurrency
        case quota(Quota.Period, Quota.Unit)
        /// Requests in a session's whole life.
        case sessionLifetime
        /// There are quotas to keep, and what is used can't be written down.
        case suspended
    }

    /// Whose limit it is.
    package enum Subject: Hashable, Sendable { case model, client, pair, session, address }

    /// The longest that a caller is told to wait, in nanoseconds: clients that are told more give up.
    package static let longestRetry: UInt64 = 120_000_000_000

    package var kind: Kind
    package var subject: Subject
    /// Nanoseconds until it would pass; of a quota, which ends later than clients wait, `longestRetry`.
    package var retry: UInt64
    /// Of a quota: seconds since 1970 when its period ends.
    package var resets: Int64?
    /// Of a quota: `reject` or `rotate`.
    package var onExhausted: Quota.Exhausted
    /// Units: of a rate those that may come at once, else as configured.
    package var limit: UInt64

    init(
        _ kind: Kind, _ subject: Subject, retry: UInt64, resets: Int64? = nil, onExhausted: Quota.Exhausted = .reject,
        limit: UInt64
    ) {
        self.kind = kind
        self.subject = subject
        self.retry = retry
        self.resets = resets
        self.onExhausted = onExhausted
        self.limit = limit
    }

    /// A limit of zero: nothing ever passes.
    package var isNever: Bool { limit == 0 }
}
