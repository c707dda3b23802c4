import Catalog
import Routing

/// What a flow needs of a route's policy, in a form that costs nothing to copy.
struct RoutePlan: Sendable {
    enum SessionKey: UInt8, Sendable { case none, header, user, client }

    let kind: Route.Kind
    /// The pool's number in the catalogue; -1: it is none.
    let pool: Int32
    let session: SessionKey
    let scope: RetryPolicy.Scope
    let hedges: Bool
    /// What endpoints say of limits of their own counts.
    let readsLimits: Bool
    let attempts: Int
    let bodyLimit: Int
    /// Nanoseconds; 0: as long as an answer may take.
    let firstByte: UInt64
    let longestRest: UInt64
    /// The route that gets copies, and of how many percent; -1: none.
    let mirror: Int32
    let mirrorPercent: UInt8

    init(_ route: Route) {
        kind = route.kind
        pool = route.pool.map { Int32($0) } ?? -1
        let retry = route.policy.retry
        scope = retry.scope
        hedges = retry.hedges
        readsLimits = route.policy.strategy.kind == .rateLimitAware
        attempts = retry.attempts
        bodyLimit = retry.bodyLimit
        firstByte = UInt64(max(0, retry.firstByteTimeout ?? 0)) * 1_000_000
        longestRest = UInt64(max(0, retry.maxBackoff)) * 1_000_000
        mirror = route.mirror.map { Int32($0.route) } ?? -1
        mirrorPercent = UInt8(clamping: route.mirror?.percent ?? 0)
        session = Self.sessionKey(route.policy.strategy)
    }

    var poolNumber: Int? { pool < 0 ? nil : Int(pool) }

    private static func sessionKey(_ strategy: Strategy) -> SessionKey {
        guard case .sessionSticky(let policy) = strategy else { return .none }
        switch policy.key {
        case .header: return .header
        case .user: return .user
        case .client: return .client
        }
    }

    /// The request header that makes a session, in lower case; empty: none.
    static func sessionHeader(_ strategy: Strategy) -> [UInt8] {
        guard case .sessionSticky(let policy) = strategy, case .header(let name) = policy.key else { return [] }
        return Array(name.utf8)
    }
}
