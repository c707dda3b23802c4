import Catalog

/// What becomes of requests.
extension Router {
    /// What an outcome says of the endpoint.
    private enum Finding { case well, ill, refusesKey, nothing }

    /// The longest time that an endpoint is left alone because it asked for it, nanoseconds.
    private static var longestCooldown: UInt64 { 120_000_000_000 }

    /// A request sets out to `target`, which was picked for `ask`.
    package mutating func began(_ target: Target, for ask: RouteAsk, isTrial: Bool, now: UInt64) -> Attempt {
        shared.begin(target.number)
        let isKnown = ask.route >= 0 && ask.route < routes.count && Int(target.number) < states.count
        var epoch: UInt32 = 0
        if isKnown {
            let number = Int(target.number)
            epoch = states[number].breaker.epoch
            if isTrial { states[number].breaker.beginTrial() }
            states[number].requests += 1
            if target.isFallback {
                states[number].fallbacks += 1
                routes[ask.route].figures.fallbacks += 1
            }
        }
        return Attempt(
            number: target.number, start: now, isTrial: isTrial && isKnown, isStream: ask.isStream, isFallback: target.isFallback,
            hasBrokerKey: !target.authorization.isEmpty, policy: isKnown ? routes[ask.route].breaker : -1,
            route: Int32(truncatingIfNeeded: ask.route), version: version, epoch: epoch)
    }

    /// The first byte of a good answer came: a trial has succeeded, however long the rest takes. Need not be called.
    package mutating func answered(_ attempt: inout Attempt, now: UInt64) {
        guard !attempt.isAnswered, isKnown(attempt) else { return }
        attempt.isAnswered = true
        noteFirstByte(attempt, now &- attempt.start, now)
        if isTrialOfNow(attempt) { succeed(attempt, now) }
    }

    /// Exactly once for each `began`.
    package mutating func ended(_ attempt: Attempt, _ outcome: Outcome, now: UInt64) {
        shared.end(attempt.number)
        guard isKnown(attempt) else { return }
        if case .success(let firstByte, let total) = outcome { noteTimes(attempt, firstByte, total, now) }
        if case .status(let status, let retryAfter) = outcome { noteCooldown(attempt, status, retryAfter, now) }
        if outcome.isFailure {
            states[Int(attempt.number)].failures += 1
            states[Int(attempt.number)].lastFailure = outcome
        }
        switch finding(outcome, attempt) {
        case .well: succeed(attempt, now)
        case .ill: fail(attempt, outcome, now)
        case .refusesKey: refuseKey(attempt, now)
        case .nothing:
            if isTrialOfNow(attempt) { states[Int(attempt.number)].breaker.abandonTrial() }
        }
    }

    /// What an answer says of the upstream's own limits: percent in use, nanoseconds until they are whole again.
    package mutating func noteLimits(_ attempt: Attempt, use: UInt8, reset: UInt64, now: UInt64) {
        guard isKnown(attempt) else { return }
        let reset = min(reset, Self.longestCooldown)
        states[Int(attempt.number)].limitUse = min(use, 100)
        states[Int(attempt.number)].limitReset = now + reset
        // Limits of the caller's own credentials are no concern of others.
        if use >= 100, attempt.hasBrokerKey { cool(attempt.number, until: now + reset) }
    }

    // MARK: Findings

    private func finding(_ outcome: Outcome, _ attempt: Attempt) -> Finding {
        switch outcome {
        case .cancelled: .nothing
        case .status(401, _), .status(403, _): attempt.hasBrokerKey ? .refusesKey : .well
        case .status(501, _): .well
        case .status(503, .some): .nothing
        case .status(let status, _): status < 500 ? .well : .ill
        case .success: .well
        case .connectFailed, .noAnswer, .timedOut, .brokenStream: .ill
        }
    }

    private mutating func succeed(_ attempt: Attempt, _ now: UInt64) {
        let number = Int(attempt.number)
        let cause = states[number].breaker.cause
        let policy = breakers[Int(attempt.policy)]
        guard states[number].breaker.succeeded(isTrial: isTrialOfNow(attempt), policy, now: now) else { return }
        notices.append(RoutingNotice(number: attempt.number, change: .active(cause)))
        if cause == .authentication { acceptKey(attempt.number) }
    }

    /// A server that takes no connection takes none for its other models either.
    private mutating func fail(_ attempt: Attempt, _ outcome: Outcome, _ now: UInt64) {
        fail(attempt.number, isTrial: isTrialOfNow(attempt), attempt.policy, now)
        guard outcome == .connectFailed else { return }
        for peer in peers.sharingServer(attempt.number) where peer != attempt.number {
            fail(peer, isTrial: false, attempt.policy, now)
        }
    }

    private mutating func fail(_ number: EndpointNumber, isTrial: Bool, _ policy: Int32, _ now: UInt64) {
        guard states[Int(number)].breaker.failed(isTrial: isTrial, breakers[Int(policy)], now: now) else { return }
        noteTripped(number)
    }

    private mutating func refuseKey(_ attempt: Attempt, _ now: UInt64) {
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

    // MARK: Times

    private mutating func noteCooldown(_ attempt: Attempt, _ status: UInt16, _ retryAfter: UInt64?, _ now: UInt64) {
        guard status == 429 || status == 503 else { return }
        if let retryAfter, retryAfter > 0 {
            cool(attempt.number, until: now + min(retryAfter, Self.longestCooldown))
        } else if status == 429, states[Int(attempt.number)].limitUse(now: now) == nil {
            // It does not say for how long, so only the strategy that looks at limits goes elsewhere, for a second.
            states[Int(attempt.number)].limitUse = 100
            states[Int(attempt.number)].limitReset = now + 1_000_000_000
        }
    }

    private mutating func cool(_ number: EndpointNumber, until: UInt64) {
        guard until > states[Int(number)].cooldownUntil else { return }
        states[Int(number)].cooldownUntil = until
        notices.append(RoutingNotice(number: number, change: .standby(.cooldown, until: until)))
    }

    private mutating func noteTimes(_ attempt: Attempt, _ firstByte: UInt64, _ total: UInt64, _ now: UInt64) {
        if !attempt.isAnswered { noteFirstByte(attempt, firstByte, now) }
        if !attempt.isStream { states[Int(attempt.number)].latency.note(total, now: now) }
    }

    private mutating func noteFirstByte(_ attempt: Attempt, _ time: UInt64, _ now: UInt64) {
        states[Int(attempt.number)].firstByte.note(time, now: now)
        guard attempt.version == version, attempt.route < Int32(routes.count) else { return }
        routes[Int(attempt.route)].firstBytes.note(time)
    }

    /// It went to an endpoint and a route that this router had then.
    private func isKnown(_ attempt: Attempt) -> Bool { attempt.policy >= 0 }

    /// It is a trial, and the breaker is still the one that it tries.
    private func isTrialOfNow(_ attempt: Attempt) -> Bool {
        let number = Int(attempt.number)
        return attempt.isTrial && states[number].breaker.isTripped && states[number].breaker.epoch == attempt.epoch
    }
}

extension Outcome {
    /// The endpoint, and not the caller, is to blame.
    var isFailure: Bool {
        switch self {
        case .success, .cancelled: false
        case .status(let status, _): status == 429 || status >= 500
        case .connectFailed, .noAnswer, .timedOut, .brokenStream: true
        }
    }

    /// In words.
    var text: String {
        switch self {
        case .success: ""
        case .cancelled: "given up"
        case .status(let status, _): "status \(status)"
        case .connectFailed: "no connection"
        case .noAnswer: "no answer"
        case .timedOut: "no answer in time"
        case .brokenStream: "the answer broke off"
        }
    }
}
