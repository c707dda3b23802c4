internal import Control

/// What makes two events alike.
struct EventKey: Hashable, Sendable {
    var kind: String
    var model: String
    var client: String
    var reason = ""
    /// Of the endpoint; empty: whichever it is.
    var address = ""
}

extension EventKey: Comparable {
    static func < (left: EventKey, right: EventKey) -> Bool {
        (left.kind, left.model, left.client, left.reason, left.address) < (
            right.kind, right.model, right.client, right.reason, right.address
        )
    }
}

/// Lets a few events of each key through in each window and counts the rest, so that a storm cannot flush the ring or
/// drown a reader. Time is nanoseconds of any steady clock.
struct EventLimiter: Sendable {
    /// Events of one key in one window, and of one kind whatever its keys.
    static let perKey = 5
    static let perKind = 100
    /// Of decisions, which somebody has asked for: in one window, whatever their keys.
    static let decisions = 500
    static let window: UInt64 = 1_000_000_000
    /// Keys remembered at a time; beyond that only the limit of the kind holds.
    static let maximumKeys = 4096

    private struct Count {
        var windowStart: UInt64
        var passed = 0
        var suppressed: UInt64 = 0
    }

    private var keys: [EventKey: Count] = [:]
    private var kinds: [String: Count] = [:]
    /// All events left out so far.
    private(set) var suppressed: UInt64 = 0

    /// Whether the event passes; if so, how many alike were left out since the last that passed. `leftOut`: how many of
    /// these never came here.
    mutating func admit(_ key: EventKey, after leftOut: UInt64 = 0, now: UInt64) -> UInt64? {
        var kind = Self.rolled(kinds[key.kind], now)
        var own = keys[key].map { Self.rolled($0, now) }
        if own == nil, keys.count < Self.maximumKeys { own = Count(windowStart: now) }
        defer {
            kinds[key.kind] = kind
            if let own { keys[key] = own }
        }
        suppressed += leftOut
        let isDecision = key.kind == EventReport.Kind.decision.rawValue
        guard kind.passed < (isDecision ? Self.decisions : Self.perKind), isDecision || (own?.passed ?? 0) < Self.perKey else {
            suppressed += 1
            if own != nil { own?.suppressed += 1 + leftOut } else { kind.suppressed += 1 + leftOut }
            return nil
        }
        kind.passed += 1
        own?.passed += 1
        let before = (own?.suppressed ?? kind.suppressed) + leftOut
        if own != nil { own?.suppressed = 0 } else { kind.suppressed = 0 }
        return before
    }

    /// Forgets keys that were quiet for a window; returns those of them that left events out, with how many.
    mutating func sweep(now: UInt64) -> [(key: EventKey, suppressed: UInt64)] {
        let quiet = keys.filter { now &- $0.value.windowStart >= Self.window }
        for key in quiet.keys { keys[key] = nil }
        var left = quiet.filter { $0.value.suppressed > 0 }.map { (key: $0.key, suppressed: $0.value.suppressed) }
        for (kind, count) in kinds where now &- count.windowStart >= Self.window {
            kinds[kind] = nil
            if count.suppressed > 0 {
                left.append((key: EventKey(kind: kind, model: "", client: ""), suppressed: count.suppressed))
            }
        }
        return left.sorted { $0.key < $1.key }
    }

    private static func rolled(_ count: Count?, _ now: UInt64) -> Count {
        guard var count else { return Count(windowStart: now) }
        if now &- count.windowStart >= window {
            count.windowStart = now
            count.passed = 0
        }
        return count
    }
}
