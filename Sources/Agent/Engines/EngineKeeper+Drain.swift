internal import Control
internal import Synchronization

/// What is under way at servers, as the proxies say it.
extension EngineKeeper {
    typealias Figures = [String: (inFlight: UInt64, requests: UInt64)]

    struct Answer: Sendable {
        /// nil: one of the proxies did not answer.
        var figures: Figures?
        /// When they were asked.
        var asked: UInt64
    }

    /// Asks all proxies what is under way, if somebody has to know and it is time.
    func askProxies() {
        let (asked, proxies) = state.withLock { state -> (UInt64, [ProxyConnection]?) in
            let now = Clocks.monotonic()
            guard !state.hasLeft, !state.isAsking, let period = state.machine.figuresPeriod(now: now),
                now >= state.asked + period
            else { return (now, nil) }
            let open = state.proxies.values.filter(\.isOpen)
            // One that has just gone away may be back in a moment, with all that it had under way.
            if open.isEmpty, now < state.linked + Self.absence { return (now, nil) }
            state.asked = now
            state.isAsking = true
            return (now, Array(open))
        }
        guard let proxies else { return }
        Task { await self.gather(proxies, asked) }
    }

    private func gather(_ proxies: [ProxyConnection], _ asked: UInt64) async {
        let figures = await Self.figures(proxies)
        // Taken in on the keeper's own thread: what follows may block.
        answers.withLock { $0 = Answer(figures: figures, asked: asked) }
        ring()
    }

    private static func figures(_ proxies: [ProxyConnection]) async -> Figures? {
        var figures: Figures = [:]
        for proxy in proxies {
            guard case .routing(let records, _) = await proxy.query(.routing) else { return nil }
            for record in records {
                let known = figures[record.key.url] ?? (0, 0)
                figures[record.key.url] = (known.inFlight + record.inFlight, known.requests + record.requests)
            }
        }
        return figures
    }
}
