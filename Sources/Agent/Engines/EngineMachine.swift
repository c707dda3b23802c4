internal import Control

/// Decides when the servers of endpoints on demand are started and stopped. Pure: it does no I/O, and time is nanoseconds of
/// any steady clock. Servers are named by their URLs.
///
/// Whatever changes something returns what is to be done for it, in that order.
struct EngineMachine: Sendable {
    /// One that has become ready is not asked to make room for as long as its start took, within these bounds: so that what
    /// it does makes up for that, and others need not wait for nothing.
    static let dwell: ClosedRange<UInt64> = 250_000_000...1_000_000_000
    /// After so long without being wanted again nobody waits any more: the proxies say it each second.
    static let patience: UInt64 = 5_000_000_000
    /// After a run of this length the failures before it are forgotten.
    static let goodRun: UInt64 = 60_000_000_000
    /// Crashes in a row after which it is left alone.
    static let crashLimit = 5
    /// Between two looks at what is under way while a server is to end: a sixteenth of the time that it takes already, within
    /// these bounds, and the least once nothing was found. For a stream of minutes nobody is asked all the time, and what is
    /// over at once is seen at once.
    private static let drainPeriod: ClosedRange<UInt64> = 20_000_000...250_000_000
    /// The same while one may become idle.
    private static let idlePeriod: ClosedRange<UInt64> = 50_000_000...1_000_000_000
    private static let firstWait: UInt64 = 1_000_000_000
    private static let longestWait: UInt64 = 60_000_000_000
    /// Between two attempts to kill.
    private static let killInterval: UInt64 = 5_000_000_000

    struct Server: Hashable, Sendable {
        var terms: EngineTerms
        var state = EngineState.asleep
        /// When somebody last said that it is wanted, and when it last had something to do.
        var wanted: UInt64 = 0
        var used: UInt64 = 0
        /// How long its last start took; nil: it was found running.
        var startTook: UInt64?
        /// Requests that it had been sent when it was last looked at.
        var requests: UInt64 = 0
        /// Failures in a row.
        var setbacks = 0
        /// Somebody wants it by hand: it waits though no request does.
        var isOrdered = false
        var isGone = false
        var starts: UInt64 = 0
        var crashes: UInt64 = 0
        /// Why it failed last.
        var fault: String?
    }

    private(set) var servers: [String: Server] = [:]
    /// When it was last known what was under way.
    private var looked: UInt64 = 0

    /// How often the requests under way have to be looked at, in nanoseconds; nil: nobody has to know.
    func figuresPeriod(now: UInt64) -> UInt64? {
        servers.values.compactMap { server -> UInt64? in
            switch server.state {
            case .draining(let since, _, 0): (now > since ? (now - since) / 16 : 0).clamped(to: Self.drainPeriod)
            case .draining: Self.drainPeriod.lowerBound
            case .ready: server.terms.idleAfter.map { ($0 / 4).clamped(to: Self.idlePeriod) }
            default: nil
            }
        }.min()
    }

    /// Nanoseconds after which somebody should `tick` at the latest.
    var tickPeriod: UInt64 {
        servers.values.map { server in
            switch server.state {
            case .draining, .waiting: Self.drainPeriod.lowerBound / 2
            case .asleep: 250_000_000
            default: 50_000_000
            }
        }.min() ?? 250_000_000
    }

    /// What the proxies are told, and until when it is left alone.
    func phase(of name: String) -> (phase: EnginePhase, retry: UInt64?) {
        switch servers[name]?.state ?? .asleep {
        case .asleep: (.asleep, nil)
        case .waiting, .starting, .resting: (.starting, nil)
        case .ready: (.ready, nil)
        case .draining, .ending(_, failure: nil): (.stopping, nil)
        case .ending(_, .some(let until)), .failed(let until): (.failed, until)
        }
    }

    // MARK: What happens

    /// From now on these are the servers. One that is gone and runs is ended first.
    mutating func adopt(_ terms: [String: EngineTerms], now: UInt64) -> [EngineAction] {
        for (name, terms) in terms {
            servers[name, default: Server(terms: terms)].terms = terms
            servers[name]?.isGone = false
        }
        var actions: [EngineAction] = []
        for (name, server) in servers where terms[name] == nil {
            servers[name]?.isGone = true
            switch server.state {
            case .ready: actions += drain(name, .gone, now)
            case .starting: actions += stop(name, .gone, now)
            case .draining, .ending: break
            case .asleep, .waiting, .resting, .failed: servers[name] = nil
            }
        }
        return actions + settle(now)
    }

    /// A server that was running before: it is as it was found.
    mutating func found(_ name: String, isReady: Bool, starts: UInt64 = 0, crashes: UInt64 = 0, now: UInt64) {
        guard case .asleep = servers[name]?.state else { return }
        servers[name]?.starts = starts
        servers[name]?.crashes = crashes
        servers[name]?.state = isReady ? .ready(since: now) : .starting(since: now)
        servers[name]?.used = now
    }

    /// Requests wait for it.
    mutating func want(_ names: some Sequence<String>, now: UInt64) -> [EngineAction] {
        var actions: [EngineAction] = []
        for name in names {
            guard let server = servers[name], !server.isGone else { continue }
            servers[name]?.wanted = now
            servers[name]?.used = now
            switch server.state {
            case .asleep: servers[name]?.state = .waiting(since: now)
            // It has not been told to end yet, so that it can as well go on.
            case .draining(let since, .idle, _): actions += resume(name, since)
            default: break
            }
        }
        return actions + settle(now)
    }

    /// Somebody wants it to run. Failures before are forgotten.
    mutating func order(_ name: String, now: UInt64) -> [EngineAction] {
        guard let server = servers[name], !server.isGone else { return [] }
        servers[name]?.setbacks = 0
        servers[name]?.isOrdered = true
        servers[name]?.used = now
        var actions: [EngineAction] = []
        switch server.state {
        case .asleep, .failed, .resting: servers[name]?.state = .waiting(since: now)
        case .draining(let since, .idle, _), .draining(let since, .hand, _): actions = resume(name, since)
        case .ready: servers[name]?.isOrdered = false
        default: break
        }
        return actions + settle(now)
    }

    /// Somebody wants it to end, once its requests have.
    mutating func dismiss(_ name: String, now: UInt64) -> [EngineAction] {
        guard let server = servers[name] else { return [] }
        servers[name]?.isOrdered = false
        switch server.state {
        case .ready: return drain(name, .hand, now)
        case .draining(let since, _, let idle):
            servers[name]?.state = .draining(since: since, cause: .hand, idle: idle)
            return []
        case .starting: return stop(name, .hand, now)
        case .waiting, .resting, .failed:
            servers[name]?.state = .asleep
            return []
        case .asleep, .ending: return []
        }
    }

    /// What it runs by is no longer what the configuration says: it ends when it can, and the next start is by the new one.
    mutating func outdate(_ name: String, now: UInt64) -> [EngineAction] {
        switch servers[name]?.state {
        case .ready: drain(name, .changed, now)
        case .starting: stop(name, .changed, now)
        default: []
        }
    }

    /// It answers as it should.
    mutating func answered(_ name: String, now: UInt64) -> [EngineAction] {
        guard case .starting(let since) = servers[name]?.state else { return [] }
        servers[name]?.state = .ready(since: now)
        servers[name]?.startTook = now > since ? now - since : 0
        servers[name]?.used = now
        return [.tell(name, .ready)] + settle(now)
    }

    /// It could not be started at all.
    mutating func refused(_ name: String, _ reason: String, now: UInt64) -> [EngineAction] {
        guard case .starting = servers[name]?.state else { return [] }
        let until = setBack(name, reason, now)
        servers[name]?.state = .failed(until: until)
        bury(name)
        return [.tell(name, .failed(reason))] + settle(now)
    }

    /// Nothing of it runs any more.
    mutating func ended(_ name: String, _ how: String, now: UInt64) -> [EngineAction] {
        guard let server = servers[name] else { return [] }
        var actions: [EngineAction] = []
        switch server.state {
        case .starting:
            let reason = "it ended before it was ready: \(how)"
            let until = setBack(name, reason, now)
            servers[name]?.state = .failed(until: until)
            actions = [.tell(name, .failed(reason))]
        case .ready(let since): actions = crash(name, how, ran: now - since, now)
        case .draining:
            servers[name]?.crashes += 1
            servers[name]?.state = .asleep
            actions = [.tell(name, .crashed(how))]
        case .ending(_, let failure):
            let isLeftAlone = failure.map { $0 > now } ?? false
            servers[name]?.state = isLeftAlone ? .failed(until: failure ?? now) : .asleep
            if failure == nil { actions = [.tell(name, .stopped)] }
            // Those who wanted it meanwhile need not say it again.
            if !isLeftAlone, !server.isGone, server.isOrdered || isWanted(server, now) {
                servers[name]?.state = .waiting(since: now)
            }
        case .asleep, .waiting, .resting, .failed: return []
        }
        bury(name)
        return actions + settle(now)
    }

    /// What was under way and had been sent to each server when it was asked at `asked`. One that is not named has nothing.
    mutating func take(_ figures: [String: (inFlight: UInt64, requests: UInt64)], asked: UInt64, now: UInt64) -> [EngineAction] {
        var actions: [EngineAction] = []
        looked = max(looked, asked)
        for (name, server) in servers {
            let figure = figures[name] ?? (0, 0)
            if figure.inFlight > 0 || figure.requests != server.requests {
                servers[name]?.used = max(server.used, asked)
                servers[name]?.requests = figure.requests
            }
            guard case .draining(let since, let cause, let idle) = server.state, asked > since else { continue }
            let seen = figure.inFlight == 0 ? idle + 1 : 0
            servers[name]?.state = .draining(since: since, cause: cause, idle: seen)
            if seen >= 2 { actions += end(name, now, failure: nil) }
        }
        return actions
    }

    /// Looks whose time has come.
    mutating func tick(_ now: UInt64) -> [EngineAction] {
        var actions: [EngineAction] = []
        for (name, server) in servers.sorted(by: { $0.key < $1.key }) { actions += look(name, server, now) }
        return actions + settle(now)
    }

    // MARK: What follows

    private mutating func look(_ name: String, _ server: Server, _ now: UInt64) -> [EngineAction] {
        switch server.state {
        case .starting(let since) where now >= since + server.terms.readyTimeout:
            let reason = "it was not ready in \(server.terms.readyTimeout / 1_000_000) ms"
            let until = setBack(name, reason, now)
            return [.tell(name, .failed(reason))] + end(name, now, failure: until)
        case .ready(let since):
            if now >= since + Self.goodRun { servers[name]?.setbacks = 0 }
            // Not by the time alone: it has been seen to have nothing to do for so long.
            guard let idle = server.terms.idleAfter, looked >= max(server.used, since) + idle else { return [] }
            return drain(name, .idle, now)
        case .waiting where !server.isOrdered && !isWanted(server, now): servers[name]?.state = .asleep
        case .draining(let since, .swap, _) where !isSetWanted(server.terms.set): return resume(name, since)
        case .ending(let until, let failure) where now >= until:
            servers[name]?.state = .ending(until: now + Self.killInterval, failure: failure)
            return [.kill(name)]
        case .resting(let until) where now >= until:
            servers[name]?.state = .waiting(since: now)
            servers[name]?.wanted = now
        case .failed(let until) where now >= until: servers[name]?.state = .asleep
        default: break
        }
        return []
    }

    /// Starts who can be, the one that has waited longest first, and asks for room for the others.
    private mutating func settle(_ now: UInt64) -> [EngineAction] {
        var actions: [EngineAction] = []
        for name in waiting {
            guard let set = servers[name]?.terms.set, let holder = holder(of: set) else {
                actions += start(name, now)
                continue
            }
            switch servers[holder]?.state {
            case .ready(let since) where now >= since + dwell(holder): actions += drain(holder, .swap, now)
            // It was to end anyhow: it may not change its mind now.
            case .draining(let since, .idle, let idle):
                servers[holder]?.state = .draining(since: since, cause: .swap, idle: idle)
            default: break
            }
        }
        return actions
    }

    private func dwell(_ name: String) -> UInt64 {
        (servers[name]?.startTook ?? Self.dwell.upperBound).clamped(to: Self.dwell)
    }

    private var waiting: [String] {
        servers.compactMap { name, server -> (String, UInt64)? in
            if case .waiting(let since) = server.state { (name, since) } else { nil }
        }.sorted { ($0.1, $0.0) < ($1.1, $1.0) }.map(\.0)
    }

    private func holder(of set: String) -> String? {
        servers.first { $0.value.terms.set == set && $0.value.state.holdsSet }?.key
    }

    private func isSetWanted(_ set: String?) -> Bool {
        set != nil
            && servers.values.contains { server in
                if case .waiting = server.state { server.terms.set == set } else { false }
            }
    }

    private func isWanted(_ server: Server, _ now: UInt64) -> Bool {
        server.wanted > 0 && now < server.wanted + Self.patience
    }

    private mutating func start(_ name: String, _ now: UInt64) -> [EngineAction] {
        servers[name]?.state = .starting(since: now)
        servers[name]?.isOrdered = false
        servers[name]?.starts += 1
        return [.tell(name, .starting), .start(name)]
    }

    private mutating func drain(_ name: String, _ cause: EngineState.Cause, _ now: UInt64) -> [EngineAction] {
        servers[name]?.state = .draining(since: now, cause: cause, idle: 0)
        // Those who want it from now on cannot have it.
        servers[name]?.wanted = 0
        return [.tell(name, .stopping(cause))]
    }

    private mutating func resume(_ name: String, _ since: UInt64) -> [EngineAction] {
        servers[name]?.state = .ready(since: since)
        servers[name]?.isOrdered = false
        return [.tell(name, .ready)]
    }

    /// Without waiting for requests: there can be none.
    private mutating func stop(_ name: String, _ cause: EngineState.Cause, _ now: UInt64) -> [EngineAction] {
        servers[name]?.wanted = 0
        return [.tell(name, .stopping(cause))] + end(name, now, failure: nil)
    }

    private mutating func end(_ name: String, _ now: UInt64, failure: UInt64?) -> [EngineAction] {
        let until = now + (servers[name]?.terms.stopTimeout ?? 0)
        servers[name]?.state = .ending(until: until, failure: failure)
        return [.stop(name)]
    }

    private mutating func crash(_ name: String, _ how: String, ran: UInt64, _ now: UInt64) -> [EngineAction] {
        servers[name]?.crashes += 1
        if ran >= Self.goodRun { servers[name]?.setbacks = 0 }
        let until = setBack(name, how, now)
        guard servers[name]?.setbacks ?? 0 >= Self.crashLimit else {
            servers[name]?.state = .resting(until: until)
            return [.tell(name, .crashed(how))]
        }
        servers[name]?.state = .failed(until: until)
        return [.tell(name, .crashed(how)), .tell(name, .failed("it crashed \(servers[name]?.setbacks ?? 0) times in a row"))]
    }

    /// Counts a failure. Returns until when it is left alone.
    private mutating func setBack(_ name: String, _ reason: String, _ now: UInt64) -> UInt64 {
        let before = min(servers[name]?.setbacks ?? 0, 16)
        servers[name]?.setbacks = before + 1
        servers[name]?.fault = reason
        return now + min(Self.longestWait, Self.firstWait << UInt64(before))
    }

    /// Forgets one that is gone from the configuration and runs no more.
    private mutating func bury(_ name: String) {
        if let server = servers[name], server.isGone, !server.state.runs { servers[name] = nil }
    }
}

extension UInt64 {
    fileprivate func clamped(to bounds: ClosedRange<UInt64>) -> UInt64 {
        Swift.min(Swift.max(self, bounds.lowerBound), bounds.upperBound)
    }
}
