import Catalog

/// What becomes of requests.
extension Router {
    /// What an outcome says of the endpoint.
    private enum Finding { case well, ill, refusesKey, nothing }

    /// The longest time that an endpoint is left alone because it asked for it, nanoseconds.
    static var longestCooldown: UInt64 { 120_000_000_000 }

    /// A request sets out to `target`, which was picked for `ask`.
    ///
    /// - Parameter slot: what was taken for it; nil: it needs none.
    package mutating func began(
        _ target: Target, for ask: RouteAsk, isTrial: Bool, slot: HeldSlot? = nil, now: UInt64
    ) -> Attempt {
        openAgain()
        if slot == nil { shared.begin(target.number) }
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
            isOnDemand: target.isOnDemand,
            hasBrokerKey: !target.authorization.isEmpty, policy: isKnown ? routes[ask.route].breaker : -1,
            route: Int32(truncatingIfNeeded: ask.route), version: version, slot: slot?.model ?? -1, group: slot?.group ?? 0,
            isBooked: slot?.isBooked ?? false, epoch: epoch)
    }

    /// The first byte of a good answer came: a trial has succeeded, however long the rest takes. Need not be called.
    package mutating func answered(_ attempt: inout Attempt, now: UInt64) {
        guard !attempt.isAnswered, isKnown(attempt) else { return }
        noteFirstByte(attempt, now &- attempt.start, now)
        if isTrialOfNow(attempt) { succeed(attempt, now) }
        attempt.isAnswered = true
    }

    /// Exactly once for each `began`. True: somebody may wait for the slot that it had.
    @discardableResult
    package mutating func ended(_ attempt: Attempt, _ outcome: Outcome, now: UInt64) -> Bool {
        var isAwaited = false
        if attempt.slot >= 0 {
            shared.ended(attempt.slot, Int(attempt.group))
            isAwaited = shared.release(attempt.number, attempt.slot)
        } else {
            shared.end(attempt.number)
        }
        note(attempt, outcome, now)
        return isAwaited
    }

    private mutating func note(_ attempt: Attempt, _ outcome: Outcome, _ now: UInt64) {
        guard isKnown(attempt) else { return }
        if case .success(let firstByte, let total) = outcome { noteTimes(attempt, firstByte, total, now) }
        if case .status(let status, let retryAfter, ofCaller: false) = outcome { noteCooldown(attempt, status, retryAfter, now) }
        // It has crashed, most likely, and will be started again: until more is known requests wait, instead of failing there.
        if attempt.isOnDemand, outcome == .connectFailed { shared.setAsleep(attempt.number, true) }
        let finding = finding(outcome, attempt, now)
        if outcome.isFailure || finding == .refusesKey {
            states[Int(attempt.number)].failures += 1
            states[Int(attempt.number)].lastFailure = outcome
        }
        switch finding {
        case .well: succeed(attempt, now)
        case .ill: fail(attempt, outcome, now)
        case .refusesKey: refuseKey(attempt, now)
        case .nothing:
            if isTrialOfNow(attempt), !attempt.isAnswered { states[Int(attempt.number)].breaker.abandonTrial() }
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

    private func finding(_ outcome: Outcome, _ attempt: Attempt, _ now: UInt64) -> Finding {
        switch outcome {
        case .cancelled: .nothing
        case .status(401, _, _): attempt.hasBrokerKey ? .refusesKey : .well
        case .status(501, _, _): .well
        // It is left alone for as long as it asked.
        case .status(503, let retryAfter?, ofCaller: false) where retryAfter > 0: .nothing
        case .status(let status, _, _): status < 500 ? .well : .ill
        case .success: .well
        // It does not run, which the agent sees to.
        case .connectFailed where attempt.isOnDemand: .nothing
        // All that were under way end so together when a server crashes, which says nothing of the one that is started next.
        case .noAnswer where attempt.isOnDemand, .brokenStream where attempt.isOnDemand:
            shared.breaks(attempt.number, since: attempt.start, now: now) ? .ill : .nothing
        case .connectFailed, .noAnswer, .timedOut, .brokenStream: .ill
        }
    }

    /// It went to an endpoint and a route that this router had then.
    private func isKnown(_ attempt: Attempt) -> Bool { attempt.policy >= 0 }

    /// It is a trial, and the breaker is still the one that it tries.
    func isTrialOfNow(_ attempt: Attempt) -> Bool {
        let number = Int(attempt.number)
        return attempt.isTrial && states[number].breaker.isTripped && states[number].breaker.epoch == attempt.epoch
    }
}
