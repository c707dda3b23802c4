import Catalog

/// A circuit breaker: closed while all is well; open for a while after failures; then half open, when a few requests try
/// whether it can be closed.
struct Breaker: Sendable {
    /// As long as eight times the configured cooldown.
    private static let mostDoublings: UInt8 = 3
    /// Of the configured cooldown, after the broker's credentials were refused.
    private static let authenticationFactor: UInt64 = 6

    /// Not closed.
    private(set) var isTripped = false
    /// Of its being tripped: `breaker` or `authentication`.
    private(set) var cause = StandbyCause.breaker
    /// When the first trial is let through, nanoseconds.
    private(set) var until: UInt64 = 0
    /// Counts its changes, so that what began before one says nothing about what came of it.
    private(set) var epoch: UInt32 = 0

    private var doublings: UInt8 = 0
    private var trials = 0
    private var successes = 0
    private var window = ErrorWindow()

    func phase(now: UInt64) -> BreakerPhase { !isTripped ? .closed : now < until ? .open : .halfOpen }

    /// Whether it is half open, and one more request may try.
    func admitsTrial(_ policy: BreakerPolicy, now: UInt64) -> Bool {
        phase(now: now) == .halfOpen && trials < (cause == .authentication ? 1 : max(1, policy.trials))
    }

    mutating func beginTrial() { trials += 1 }

    /// A trial of this epoch that came to nothing either way.
    mutating func abandonTrial() { trials -= 1 }

    /// True: that closed it.
    mutating func succeeded(isTrial: Bool, _ policy: BreakerPolicy, now: UInt64) -> Bool {
        guard isTripped else {
            window.note(isFailure: false, window: Self.nanoseconds(policy.window), now: now)
            return false
        }
        guard isTrial else { return false }
        trials -= 1
        successes += 1
        guard cause == .authentication || successes >= policy.successes else { return false }
        close()
        return true
    }

    /// True: that opened it, or kept it open for longer.
    ///
    /// - Parameter inARow: failures without a success between them, this one included.
    mutating func failed(isTrial: Bool, inARow: UInt64, _ policy: BreakerPolicy, now: UInt64) -> Bool {
        if isTripped {
            guard isTrial else { return false }
            doublings = cause == .breaker ? min(Self.mostDoublings, doublings + 1) : 0
            trip(.breaker, policy, now)
            return true
        }
        window.note(isFailure: true, window: Self.nanoseconds(policy.window), now: now)
        guard inARow >= UInt64(max(1, policy.failures)) || isRateExceeded(policy, now) else { return false }
        doublings = 0
        trip(.breaker, policy, now)
        return true
    }

    /// The broker's credentials were refused.
    mutating func refused(_ policy: BreakerPolicy, now: UInt64) {
        doublings = 0
        let cooldown = Self.nanoseconds(policy.cooldown) * Self.authenticationFactor
        open(.authentication, until: now + cooldown)
    }

    /// Another event loop opened its breaker for the same endpoint. Where this one is open, they found the same at the same
    /// time; where it is half open, a trial of the other has failed.
    mutating func follow(_ cause: StandbyCause, until: UInt64, now: UInt64) {
        if !isTripped || self.cause != cause {
            doublings = 0
        } else if now >= self.until {
            doublings = min(Self.mostDoublings, doublings + 1)
        }
        open(cause, until: until)
    }

    /// Trials may begin.
    mutating func hasten(now: UInt64) {
        if isTripped, cause == .breaker { until = min(until, now) }
    }

    mutating func close() {
        isTripped = false
        epoch &+= 1
        doublings = 0
        window.clear()
    }

    private mutating func trip(_ cause: StandbyCause, _ policy: BreakerPolicy, _ now: UInt64) {
        open(cause, until: now + Self.nanoseconds(policy.cooldown) << UInt64(doublings))
    }

    private mutating func open(_ cause: StandbyCause, until: UInt64) {
        isTripped = true
        self.cause = cause
        self.until = until
        epoch &+= 1
        trials = 0
        successes = 0
    }

    private mutating func isRateExceeded(_ policy: BreakerPolicy, _ now: UInt64) -> Bool {
        guard policy.errorRate > 0 else { return false }
        let counts = window.counts(window: Self.nanoseconds(policy.window), now: now)
        return counts.requests >= max(1, policy.minimum) && counts.failures * 100 >= policy.errorRate * counts.requests
    }

    static func nanoseconds(_ milliseconds: Int) -> UInt64 {
        // A year is as good as longer ones.
        UInt64(min(max(0, milliseconds), 31_536_000_000)) * 1_000_000
    }
}
