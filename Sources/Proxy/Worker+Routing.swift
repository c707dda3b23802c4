import Catalog
import Control
import Flow
import Routing

/// What this loop finds of endpoints and tells the others and the agent, and what they tell it.
extension Worker {
    /// Passes on what the flows of this turn found.
    func tellNotices() {
        let notices = context.router.takeNotices()
        guard !notices.isEmpty else { return }
        looksAtQueue = true
        for notice in notices {
            peers.post(notice, from: loop)
            guard peers.isNews(notice, now: context.now), let target = target(notice.number) else { continue }
            outbox.send(.event(event(notice, target)))
        }
    }

    private func target(_ number: EndpointNumber) -> Target? {
        for index in 0..<context.routes.targetCount {
            let target = context.routes.target(index)
            if target.number == number { return target }
        }
        return nil
    }

    private func event(_ notice: RoutingNotice, _ target: Target) -> ProxyEvent {
        var event = ProxyEvent(
            kind: .endpointActive, model: context.routes.name(target.model), address: target.address, detail: target.url)
        switch notice.change {
        case .standby(let cause, let until):
            event.kind = .endpointStandby
            let left = until > context.now ? (until - context.now) / 100_000_000 : 0
            event.detail += until == .max ? ": \(cause.text)" : ": \(cause.text) for \(left / 10).\(left % 10) s"
        case .active(let cause): event.detail += ": no longer \(cause.text)"
        }
        return event
    }

    func take(_ standings: [Standing]) {
        let epoch = UInt64(clamping: context.epochMilliseconds)
        context.router.take(standings, context.routes, now: context.now, epochMilliseconds: epoch)
        looksAtQueue = true
    }

    /// Maintenance ends when the clock on the wall says so, which may be sooner or later now.
    func wallClockSet(_ offset: Int64) {
        wallOffset = offset
        if !standings.isEmpty { take(standings) }
    }

    // MARK: - Reports

    func endpointRecords() -> [NumberedRecord] {
        context.router.endpointFigures(context.routes, now: context.now).map { figures in
            let target = context.routes.target(figures.target)
            var record = EndpointRecord(
                model: context.routes.name(target.model), key: EndpointKey(url: target.url, address: target.address))
            record.standby = figures.standby.flatMap { StandbyReason(rawValue: $0.rawValue) }
            record.detail = figures.detail
            record.remaining = (figures.remaining + 999_999) / 1_000_000
            record.breaker = BreakerState(rawValue: figures.breaker.rawValue) ?? .closed
            record.inFlight = UInt64(clamping: figures.inFlight)
            record.requests = figures.requests
            record.failures = figures.failures
            record.firstByteMean = figures.firstByteMean / 1000
            record.latencyMean = figures.latencyMean / 1000
            record.fallbacks = figures.fallbacks
            record.limitUse = figures.limitUse
            record.limit = figures.limit
            record.isAdaptive = figures.isAdaptive
            if let isReady = figures.isReady { record.phase = isReady ? .ready : figures.hasFailed ? .failed : .asleep }
            return NumberedRecord(number: figures.number, record: record)
        }
    }

    func routeRecords() -> [RouteRecord] {
        context.router.routeFigures().map { figures in
            var record = RouteRecord(name: figures.name)
            record.requests = figures.requests
            record.retries = figures.retries
            record.hedges = figures.hedges
            record.hedgesWon = figures.hedgesWon
            record.budgetDenied = figures.budgetDenied
            record.fallbacks = figures.fallbacks
            record.exhausted = figures.exhausted
            record.mirrored = figures.mirrored
            record.mirrorFailures = figures.mirrorFailures
            record.rotations = figures.rotations
            return record
        }
    }

    /// Moves the route away from the endpoint that it prefers; the other loops hear of it by the notice.
    func rotate(_ name: String) -> (from: EndpointKey?, to: EndpointKey?) {
        guard let route = context.routes.route(named: name.utf8Span.span) else { return (nil, nil) }
        let turn = context.router.rotate(route, context.routes, now: context.now)
        tellNotices()
        return (turn.from.map(key), turn.to.map(key))
    }

    private func key(_ index: Int) -> EndpointKey {
        let target = context.routes.target(index)
        return EndpointKey(url: target.url, address: target.address)
    }
}
