import Admission
import Catalog
import Control
import HTTPWire
import Identity
import Routing
import Telemetry

/// What an attempt failed of, before a byte of an answer's body went to the caller.
enum AttemptFailure: Hashable {
    /// Nothing was sent.
    case connect
    /// The connection ended, or said what is no answer.
    case noAnswer
    case timedOut
    /// An answer whose status is tried again; nanoseconds that the endpoint asked for.
    case status(UInt16, retryAfter: UInt64?)

    /// - Parameter ofCaller: the request carried credentials of the caller's.
    func outcome(ofCaller: Bool) -> Outcome {
        switch self {
        case .connect: .connectFailed
        case .noAnswer: .noAnswer
        case .timedOut: .timedOut
        case .status(let status, let retryAfter): .status(status, retryAfter: retryAfter, ofCaller: ofCaller)
        }
    }
}

/// Trying again: another endpoint at once, the same one after a while.
extension Flow {
    /// How often at least a request comes back to wait for a server where nobody listened.
    private static let leastReturns = 3

    /// Whether the request under way goes on after its attempt failed. If not, the caller is still to be told; an answer
    /// that was not good enough may be passed on then.
    mutating func tryAgain(
        after failure: AttemptFailure, _ context: inout FlowContext, _ out: inout FlowOutput
    ) -> Bool {
        settleAttempt(failure.outcome(ofCaller: forwardsCredentials), &context)
        guard course == .endpoint, !answerStarted else { return false }
        if promoteHedge(&context, &out) { return true }
        dropHedge(.cancelled, &context, &out)
        guard isReplayable || failure == .connect, followReload(context) else { return false }
        let plan = context.plans[exchange.ask.route]
        if failure == .connect, exchange.target?.isOnDemand == true, waitForServer(plan, &context, &out) { return true }
        // What was never sent is no burden to anybody: as long as somebody else is there to take it, it is no retry.
        let isFree = failure == .connect
        guard isFree || exchange.sent < plan.attempts else { return false }
        // One that can't be left out any more would be picked at once, again and again.
        let isLeftOut = exchange.target.map { exchange.ask.excluded.insert($0.number) } ?? true
        if plan.scope != .sameEndpoint, isLeftOut, tryElsewhere(plan, isFree: isFree, &context, &out) { return true }
        return tryLater(plan, failure, &context, &out)
    }

    /// Another endpoint of the same model, or else any other of the route.
    private mutating func tryElsewhere(
        _ plan: RoutePlan, isFree: Bool, _ context: inout FlowContext, _ out: inout FlowOutput
    ) -> Bool {
        guard isFree || hasAnother(plan, context) else { return false }
        guard isFree || context.router.takeRetry(exchange.ask.route, now: context.now) else { return false }
        if exchange.model >= 0 {
            exchange.ask.scope = .model(exchange.model)
            let choice = choose(&context, &out)
            if case .full(let targets) = choice, plan.scope == .sameModel { return queueAgain(targets, &context, &out) }
            if case .target(let index, let isTrial) = choice {
                // What a model falls back to comes after the pool's other models.
                if plan.scope == .sameModel || !context.routes.target(index).isFallback {
                    goOn(to: index, isTrial: isTrial, &context, &out)
                    return true
                }
            }
            exchange.ask.scope = .any
            if plan.scope == .sameModel { return false }
        }
        switch choose(&context, &out) {
        case .target(let index, let isTrial):
            goOn(to: index, isTrial: isTrial, &context, &out)
            return true
        case .full(let targets): return queueAgain(targets, &context, &out)
        case .limited, .excessive, .nothing: return false
        }
    }

    /// The server has crashed: another one has the request, if it may, or it waits until that one is back.
    private mutating func waitForServer(_ plan: RoutePlan, _ context: inout FlowContext, _ out: inout FlowOutput) -> Bool {
        guard exchange.rests < max(plan.attempts, Self.leastReturns) else { return false }
        exchange.rests += 1
        exchange.ask.scope = scope(plan)
        switch choose(&context, &out) {
        case .target(let index, let isTrial):
            goOn(to: index, isTrial: isTrial, &context, &out)
            return true
        case .full(let targets): return queueAgain(targets, &context, &out)
        case .limited, .excessive, .nothing: return false
        }
    }

    /// What a retry may go to.
    private func scope(_ plan: RoutePlan) -> RouteAsk.Scope {
        switch plan.scope {
        case .sameEndpoint: exchange.target.map { .endpoint($0.number) } ?? .any
        case .sameModel where exchange.model >= 0: .model(exchange.model)
        case .sameModel, .any: .any
        }
    }

    /// Waits, in its old place in line, for another endpoint.
    private mutating func queueAgain(_ targets: [Int], _ context: inout FlowContext, _ out: inout FlowOutput) -> Bool {
        switch standInLine(targets, &context) {
        case .refused: return false
        case .granted(let index, let isTrial): goOn(to: index, isTrial: isTrial, &context, &out)
        case .waiting:
            dropUpstream(reusable: false, &out)
            forgetAnswer()
            beginToWait(context, &out)
        }
        return true
    }

    /// Whether the route has an endpoint that has not had the request: without one the budget is left alone.
    private func hasAnother(_ plan: RoutePlan, _ context: FlowContext) -> Bool {
        var ask = exchange.ask
        if plan.scope == .sameModel { ask.scope = .model(exchange.model) }
        switch Explanation.decide(ask, client: identity.number, operation, context).pick {
        case .target, .nothing(_, .full): return true
        case .nothing: return false
        }
    }

    private mutating func goOn(to index: Int, isTrial: Bool, _ context: inout FlowContext, _ out: inout FlowOutput) {
        exchange.ask.scope = .any
        dropUpstream(reusable: false, &out)
        forgetAnswer()
        begin(at: index, isTrial: isTrial, &context, &out)
    }

    /// The same endpoint, or whichever is usable then, after a pause: there is no other now.
    private mutating func tryLater(
        _ plan: RoutePlan, _ failure: AttemptFailure, _ context: inout FlowContext, _ out: inout FlowOutput
    ) -> Bool {
        guard exchange.rests + 1 < plan.attempts, let target = exchange.target else { return false }
        // The broker's own credentials will not be good in a moment.
        if case .status(401, _) = failure { return false }
        exchange.ask.excluded.removeAll()
        if plan.scope == .sameEndpoint { exchange.ask.scope = .endpoint(target.number) }
        guard let usableAt = usableAgain(plan, context) else { return false }
        let policy = context.routes.route(exchange.ask.route).policy.retry
        var rest = max(context.router.backoff(policy, attempt: exchange.rests + 1), usableAt - context.now, 1)
        if case .status(_, let retryAfter?) = failure { rest = max(rest, retryAfter) }
        guard rest <= plan.longestRest, context.router.takeRetry(exchange.ask.route, now: context.now) else { return false }
        exchange.rests += 1
        dropUpstream(reusable: false, &out)
        forgetAnswer()
        phase = .resting
        deadline = context.now + rest
        pause(&out)
        return true
    }

    /// When something of the route can be used, if that is soon enough.
    private func usableAgain(_ plan: RoutePlan, _ context: FlowContext) -> UInt64? {
        switch Explanation.decide(exchange.ask, client: identity.number, operation, context).pick {
        case .target: return context.now
        case .nothing(_, .full): return context.now
        case .nothing(let recoveryAt, _):
            let isSoon = recoveryAt > context.now && recoveryAt - context.now <= plan.longestRest
            return isSoon ? recoveryAt : nil
        }
    }

    /// The pause is over.
    mutating func endRest(_ context: inout FlowContext, _ out: inout FlowOutput) {
        guard followReload(context) else { return exhausted(0, &context, &out) }
        switch choose(&context, &out) {
        case .target(let index, let isTrial):
            exchange.ask.scope = .any
            begin(at: index, isTrial: isTrial, &context, &out)
        case .limited(let model, let denial): refuse(model, denial, &context, &out)
        case .excessive(_, let fault): refuse(.excessive(fault, self.model), &context, &out)
        case .nothing(let recoveryAt, _): exhausted(recoveryAt, &context, &out)
        case .full(let targets): enterQueue(targets, &context, &out)
        }
    }

    /// False: the client is gone that the request is of.
    private mutating func followClients(_ context: FlowContext) -> Bool {
        takeStanding(context)
        guard identity.client >= 0 else {
            identity.version = context.routesVersion
            return context.directory.isOpen
        }
        guard let number = context.directory.number(of: client) else { return false }
        identity.client = Int32(truncatingIfNeeded: number)
        identity.version = context.routesVersion
        return true
    }

    /// Brings the numbers of a request that outlives its catalogue up to date; false: what it asked for is gone.
    mutating func followReload(_ context: FlowContext) -> Bool {
        guard exchange.hasRoute else { return false }
        guard exchange.version != context.routesVersion else { return true }
        let route = hasName ? withName { context.routes.route(named: $0) } ?? nil : dedicatedRoute(context)
        guard let route, followClients(context) else { return false }
        exchange.version = context.routesVersion
        exchange.ask.route = route
        exchange.ask.scope = .any
        exchange.ask.excludedModels.removeAll()
        exchange.model = context.routes.model(named: model.utf8Span.span) ?? -1
        return true
    }
}
