internal import Catalog
internal import Control
internal import Logging
private import Synchronization

/// Keeps track of how the endpoints stand, and tells whoever chooses among them: the proxy, the kernel, the events.
final class Standings: Sendable {
    /// Whoever is told. Called under a lock, so that nobody hears of two changes in the wrong order.
    struct Audience: Sendable {
        var proxy: @Sendable ([EndpointStanding]) -> Void
        /// The servers that get no connections.
        var kernel: @Sendable (Set<EndpointKey>) -> Void
        var event: @Sendable (EventReport) -> Void
    }

    /// The windows are looked at this often at least, in seconds: the wall clock may have been set.
    private static let interval: UInt64 = 60

    private struct State {
        var book: StandingBook
        var told: [EndpointStanding] = []
        /// When the windows were looked at, and when they will have to be.
        var looked: UInt64 = 0
        var next: UInt64 = 0
    }

    private let file: DrainFile
    private let audience: Audience
    private let logger: Logger
    private let clock: @Sendable () -> UInt64
    private let state: Mutex<State>

    /// - Parameter clock: seconds since 1970.
    init(file: DrainFile, audience: Audience, logger: Logger, clock: @escaping @Sendable () -> UInt64 = Clocks.epochSeconds) {
        self.file = file
        self.audience = audience
        self.logger = logger
        self.clock = clock
        state = Mutex(State(book: StandingBook(drained: file.read(logger))))
    }

    /// From now on these are the endpoints.
    ///
    /// - Parameter catalog: with names resolved.
    func adopt(_ catalog: Catalog) {
        let now = clock()
        state.withLock { state in
            state.book.adopt(catalog, now: now)
            settle(&state, now)
        }
    }

    /// Takes in what a health check found; nil: nothing is wrong.
    func take(_ key: EndpointKey, fault: String?) {
        state.withLock { state in
            if state.book.take(key, fault: fault) != .none { tell(&state) }
        }
    }

    /// Takes in which servers on demand run.
    func take(_ engines: [EndpointKey: EngineStanding]) {
        state.withLock { state in
            state.book.take(engines)
            tell(&state)
        }
    }

    /// Takes in how many requests engines themselves count.
    func take(loads: [EndpointKey: LoadReading]) {
        state.withLock { state in
            state.book.take(loads)
            tell(&state)
        }
    }

    /// Looks which maintenance windows have begun and ended; called about once a second.
    func tick() {
        let now = clock()
        state.withLock { state in
            guard now >= state.next || now < state.looked || now - state.looked >= Self.interval else { return }
            state.book.look(now)
            settle(&state, now)
        }
    }

    /// Takes a server out, or back in.
    ///
    /// - Parameter uid: who wants it; nil: it is not known.
    /// - Returns: the models that it has, and whether it was otherwise before.
    /// - Throws: when nobody knows the URL, or it could not be made to last; then all stays as it is.
    func drain(_ url: String, _ isDrained: Bool, by uid: UInt32?) throws(AgentError) -> (names: [String], isChanged: Bool) {
        try state.withLock { (state) throws(AgentError) in
            let names = state.book.names(of: url)
            // One that is no longer configured can still be enabled.
            guard names != nil || state.book.drained.contains(url) else { throw AgentError("no endpoint has the URL \(url)") }
            var book = state.book
            let isChanged = isDrained ? book.drain(url) : book.enable(url)
            guard isChanged else { return (names ?? [], false) }
            do throws(SystemError) { try file.write(book.drained) } catch { throw AgentError(error) }
            state.book = book
            audience.event(
                EventReport(
                    time: Timestamp.now(), kind: isDrained ? .endpointDrained : .endpointEnabled,
                    detail: EventReport.change(
                        "\(url): \((names ?? ["no longer configured"]).joined(separator: ", "))", by: uid)))
            tell(&state)
            return (names ?? [], true)
        }
    }

    var all: [EndpointKey: EndpointStanding] {
        state.withLock { state in Dictionary(state.told.map { ($0.key, $0) }) { first, _ in first } }
    }

    func isDrained(_ url: String) -> Bool { state.withLock { $0.book.drained.contains(url) } }

    /// Drained, and not (any more) in the configuration.
    var forgotten: [String] { state.withLock { $0.book.forgotten } }

    private func settle(_ state: inout State, _ now: UInt64) {
        state.looked = now
        state.next = state.book.next(after: now) ?? .max
        tell(&state)
    }

    private func tell(_ state: inout State) {
        let standings = state.book.standings
        guard standings != state.told else { return }
        let turns = state.book.turns(since: state.told)
        state.told = standings
        audience.proxy(standings)
        audience.kernel(Set(standings.filter { $0.reason != nil }.map(\.key)))
        for turn in turns { announce(turn) }
    }

    private func announce(_ turn: StandingBook.Turn) {
        let detail = [turn.key.url, turn.reason?.text, turn.detail.isEmpty ? nil : turn.detail].compactMap(\.self)
        for name in turn.names {
            audience.event(
                EventReport(
                    time: Timestamp.now(), kind: turn.kind, model: name,
                    address: turn.key.address.description, reason: turn.reason?.text, detail: detail.joined(separator: ": ")))
        }
        logger.notice(
            turn.reason == nil ? "an endpoint gets requests again" : "an endpoint gets no requests",
            metadata: [
                "endpoint": "\(turn.key.url) \(turn.key.address)", "reason": "\(detail.dropFirst().joined(separator: ": "))",
            ])
    }
}
