import Catalog

/// How long endpoints take, and how long they are left alone.
extension Router {
    mutating func noteCooldown(_ attempt: Attempt, _ status: UInt16, _ retryAfter: UInt64?, _ now: UInt64) {
        guard status == 429 || status == 503 else { return }
        if let retryAfter, retryAfter > 0 {
            cool(attempt.number, until: now + min(retryAfter, Self.longestCooldown))
        } else if status == 429, states[Int(attempt.number)].limitUse(now: now) == nil {
            // It does not say for how long, so only the strategy that looks at limits goes elsewhere, for a second.
            states[Int(attempt.number)].limitUse = 100
            states[Int(attempt.number)].limitReset = now + 1_000_000_000
        }
    }

    mutating func cool(_ number: EndpointNumber, until: UInt64) {
        guard until > states[Int(number)].cooldownUntil else { return }
        states[Int(number)].cooldownUntil = until
        notices.append(RoutingNotice(number: number, change: .standby(.cooldown, until: until)))
    }

    mutating func noteTimes(_ attempt: Attempt, _ firstByte: UInt64, _ total: UInt64, _ now: UInt64) {
        if !attempt.isAnswered { noteFirstByte(attempt, firstByte, now) }
        if !attempt.isStream { states[Int(attempt.number)].latency.note(total, now: now) }
    }

    mutating func noteFirstByte(_ attempt: Attempt, _ time: UInt64, _ now: UInt64) {
        states[Int(attempt.number)].firstByte.note(time, now: now)
        guard attempt.version == version, attempt.route < Int32(routes.count) else { return }
        routes[Int(attempt.route)].firstBytes.note(time)
    }
}
