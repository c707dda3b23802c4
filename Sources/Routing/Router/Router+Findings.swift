import Catalog

/// What follows from the outcome of an attempt, for the endpoint and those that share something with it.
extension Router {
    mutating func succeed(_ attempt: Attempt, _ now: UInt64) {
        let number = Int(attempt.number)
        shared.clearFailures(attempt.number)
        noteReturn(attempt.number, now)
        let cause = states[number].breaker.cause
        let policy = breakers[Int(attempt.policy)]
        let isTrial = isTrialOfNow(attempt) && !attempt.isAnswered
        guard states[number].breaker.succeeded(isTrial: isTrial, policy, now: now) else { return }
        notices.append(RoutingNotice(number: attempt.number, change: .active(cause)))
        if cause == .authentication { acceptKey(attempt.number) }
    }

    /// A server that takes no connection takes none for its other models either.
    mutating func fail(_ attempt: Attempt, _ outcome: Outcome, _ now: UInt64) {
        fail(attempt.number, isTrial: isTrialOfNow(attempt), attempt.policy, now)
        guard outcome == .connectFailed else { return }
        for peer in peers.sharingServer(attempt.number) where peer != attempt.number {
            fail(peer, isTrial: false, attempt.policy, now)
        }
    }

    private mutating func fail(_ number: EndpointNumber, isTrial: Bool, _ policy: Int32, _ now: UInt64) {
        let inARow = shared.failed(number)
        guard states[Int(number)].breaker.failed(isTrial: isTrial, inARow: inARow, breakers[Int(policy)], now: now) else {
            return
        }
        shared.clearFailures(number)
        noteTripped(number)
    }

    mutating func refuseKey(_ attempt: Attempt, _ now: UInt64) {
        for peer in peers.sharingProvider(attempt.number) {
            states[Int(peer)].breaker.refused(breakers[Int(attempt.policy)], now: now)
            noteTripped(peer)
        }
    }

    private mutating func acceptKey(_ number: EndpointNumber) {
        for peer in peers.sharingProvider(number) where peer != number {
            let breaker = states[Int(peer)].breaker
            guard breaker.isTripped, breaker.cause == .authentication else { continue }
            states[Int(peer)].breaker.close()
            notices.append(RoutingNotice(number: peer, change: .active(.authentication)))
        }
    }

    private mutating func noteTripped(_ number: EndpointNumber) {
        let breaker = states[Int(number)].breaker
        notices.append(RoutingNotice(number: number, change: .standby(breaker.cause, until: breaker.until)))
    }

    /// Says that what had a time of its own is over, once the endpoint has served again.
    private mutating func noteReturn(_ number: EndpointNumber, _ now: UInt64) {
        if states[Int(number)].cooldownUntil > 0, now >= states[Int(number)].cooldownUntil {
            states[Int(number)].cooldownUntil = 0
            notices.append(RoutingNotice(number: number, change: .active(.cooldown)))
        }
        if states[Int(number)].rotatedUntil > 0, now >= states[Int(number)].rotatedUntil {
            states[Int(number)].rotatedUntil = 0
            notices.append(RoutingNotice(number: number, change: .active(.rotated)))
        }
    }
}
