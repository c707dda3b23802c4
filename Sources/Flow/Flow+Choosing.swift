import Admission
import Catalog
import Control
import HTTPWire
import Routing
import Telemetry

/// Which endpoint gets the request.
extension Flow {
    enum Choice {
        /// Index in the routing table; the books of its model are open.
        case target(Int, isTrial: Bool)
        /// The limits of every model that could have had it are used up; the one that has some again first.
        case limited(model: Int, Denial)
        case nothing(recoveryAt: UInt64, Shortage)
    }

    /// Begins the exchange of this request, with what the choice of an endpoint for it depends on.
    mutating func begin(_ route: Int, _ plan: RoutePlan, _ context: FlowContext) {
        exchange.begin(
            route, family, isStream: requestBody.isStream ?? (family == .ollama), version: context.routesVersion)
        if plan.session != .none { exchange.ask.session = session(route, plan, context) }
        exchange.ask.prefix = requestBody.promptHash
    }

    /// The hash of what makes the session; 0: the request says nothing of it.
    private mutating func session(_ route: Int, _ plan: RoutePlan, _ context: FlowContext) -> UInt64 {
        switch plan.session {
        case .none: return 0
        case .user: return requestBody.userHash
        case .client: return Explanation.session(client: caller.client, caller.address.ip)
        case .header:
            let bytes = inbox.span
            let value = HeadField.value(
                of: context.sessionHeaders[route], in: bytes, from: request.fieldsStart, size: request.size)
            guard let value, !value.isEmpty else { return 0 }
            return Hash.bytes(bytes.extracting(value))
        }
    }

    /// Picks a target and charges its model; where the model's limits refuse that, one of another model.
    mutating func choose(_ context: inout FlowContext, _ out: inout FlowOutput) -> Choice {
        var limited: (model: Int, denial: Denial)?
        while true {
            let pick = context.pick(exchange.ask, client: caller.client)
            if context.watchesDecisions { reportDecision(pick, context, &out) }
            switch pick {
            case .nothing(let recoveryAt, let shortage):
                if let limited { return .limited(model: limited.model, limited.denial) }
                return .nothing(recoveryAt: recoveryAt, shortage)
            case .target(let index, let isTrial):
                let model = context.model(ofTarget: index)
                exchange.ask.attempt += 1
                guard let denial = enter(model, &context) else { return .target(index, isTrial: isTrial) }
                if limited.map({ denial.retry < $0.denial.retry }) ?? true { limited = (model, denial) }
                guard exchange.ask.excludedModels.insert(Int32(model)) else { return .limited(model: model, denial) }
            }
        }
    }

    private func reportDecision(_ pick: Pick, _ context: FlowContext, _ out: inout FlowOutput) {
        let line = context.router.summary(exchange.ask, pick, context.routes, now: context.now)
        out.events.append(event(.decision, line))
    }

    /// Sends the request to a target that was chosen for it.
    mutating func begin(at index: Int, isTrial: Bool, _ context: inout FlowContext, _ out: inout FlowOutput) {
        let target = context.table.target(index)
        settleAttempt(.cancelled, &context)
        exchange.attempt = context.router.began(target, for: exchange.ask, isTrial: isTrial, now: context.now)
        exchange.tls = context.tls(ofTarget: index)
        exchange.target = target
        connectToTarget(isReplayable ? .pooled : .fresh, &context, &out)
    }

    mutating func connectToTarget(_ policy: ConnectPolicy, _ context: inout FlowContext, _ out: inout FlowOutput) {
        guard let address = exchange.target?.address else { return exhausted(0, &context, &out) }
        phase = .connecting
        connect(to: address, policy, tls: exchange.tls, &context, &out)
    }

    // MARK: - The model's books

    /// Charges the request to `model`, and to no other any more; nil: that is allowed.
    private mutating func enter(_ model: Int, _ context: inout FlowContext) -> Denial? {
        guard model != exchange.model else { return nil }
        var granted: Grant?
        if context.admission.isGoverned(model) {
            let (tokens, prompt) = estimate()
            switch context.admission.admit(model, tokens: tokens, prompt: prompt, now: context.now) {
            case .ungoverned: break
            case .granted(let grant): granted = grant
            case .denied(let denial):
                count(denial, model, &context)
                return denial
            }
        }
        open(model, &context)
        grant = granted
        return nil
    }

    private func count(_ denial: Denial, _ model: Int, _ context: inout FlowContext) {
        let row = context.ledger.row(ofModel: model)
        if denial.kind == .tokens { context.ledger[row].tokenLimited += 1 } else { context.ledger[row].rateLimited += 1 }
    }

    /// Opens the books of the request for a model of the catalogue; those of another model are closed.
    mutating func open(_ index: Int, _ context: inout FlowContext) {
        guard index != exchange.model else { return }
        if let row { closeBooks(row, &context) }
        exchange.model = index
        let row = context.ledger.row(ofModel: index)
        begin(row: row, name: row == lastRow ? model : context.routes.name(index), &context)
    }

    /// Opens the books of a request for a model.
    mutating func begin(row: Int, name: String, _ context: inout FlowContext) {
        model = name
        lastRow = row
        self.row = row
        answerStarted = false
        context.ledger[row].requests += 1
        context.ledger[row].active += 1
        context.ledger[row].bytesIn += UInt64(taken)
    }

    mutating func closeBooks(_ row: Int, _ context: inout FlowContext) {
        if grant != nil { settleGrant(row, &context) }
        context.ledger[row].active -= 1
        self.row = nil
    }

    // MARK: - Attempts

    /// The attempt under way has ended so; each is told once, here.
    mutating func settleAttempt(_ outcome: Outcome, _ context: inout FlowContext) {
        guard let attempt = exchange.attempt else { return }
        exchange.attempt = nil
        context.router.ended(attempt, outcome, now: context.now)
    }
}
