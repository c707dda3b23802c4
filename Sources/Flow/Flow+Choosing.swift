import Admission
import Catalog
import Control
import HTTPWire
import Identity
import Routing
import Telemetry

/// Which endpoint gets the request.
extension Flow {
    enum Choice {
        /// Index in the routing table; the books of its model are open.
        case target(Int, isTrial: Bool)
        /// The limits of every model that could have had it are used up; the one that has some again first.
        case limited(model: Int, Denial)
        /// It is more than every model that could have had it takes at once.
        case excessive(model: Int, RequestFault)
        case nothing(recoveryAt: UInt64, Shortage)
        /// Targets that may be waited for; the books of the first one's model are open.
        case full([Int])
    }

    /// Begins the exchange of this request, with what the choice of an endpoint for it depends on.
    mutating func begin(_ route: Int, _ plan: RoutePlan, _ context: FlowContext) {
        exchange.begin(
            route, family, isStream: requestBody.isStream ?? (family == .ollama), version: context.routesVersion)
        if plan.session != .none { exchange.ask.session = session(route, plan, context) }
        exchange.ask.prefix = requestBody.promptHash
        exchange.arrival = context.now
        exchange.group = context.shares.group(client: identity.number, name: identity.number < 0 ? caller.client : "")
        exchange.level = request.asksBatch ? .min : context.shares.level(exchange.group)
    }

    /// The hash of what makes the session; 0: the request says nothing of it.
    private mutating func session(_ route: Int, _ plan: RoutePlan, _ context: FlowContext) -> UInt64 {
        switch plan.session {
        case .none: return 0
        case .user: return requestBody.userHash
        case .client: return Explanation.session(client: client, caller.address.ip)
        case .header:
            let held = inbox
            return Self.session(context.sessionHeaders[route], held.span, request)
        }
    }

    /// The hash of a header's value; 0: it is not there, or empty.
    static func session(_ header: [UInt8], _ bytes: Span<UInt8>, _ request: RequestHead) -> UInt64 {
        let value = HeadField.value(of: header, in: bytes, from: request.fieldsStart, size: request.size)
        guard let value, !value.isEmpty else { return 0 }
        return Hash.bytes(bytes.extracting(value))
    }

    /// Picks a target and charges its model; where the model's limits refuse that, one of another model.
    mutating func choose(_ context: inout FlowContext, _ out: inout FlowOutput) -> Choice {
        var limited: (model: Int, denial: Denial)?
        var excessive: (model: Int, fault: RequestFault)?
        var rounds = 0
        dropHeld(context)
        defer { context.router.openAgain() }
        while true {
            let pick = context.pick(exchange.ask, client: identity.number, operation)
            if context.watchesDecisions { reportDecision(pick, context, &out) }
            switch pick {
            case .nothing(_, .full):
                let full = context.fullTargets(exchange.ask, client: identity.number, operation)
                // Something has become free while this was looked at.
                guard let first = full.first else {
                    rounds += 1
                    guard rounds < 4 else { return .nothing(recoveryAt: context.now + 1_000_000_000, .standby) }
                    context.router.openAgain()
                    continue
                }
                let model = context.model(ofTarget: first)
                exchange.ask.attempt += 1
                switch enter(model, &context) {
                case .entered: return .full(full)
                case .excessive(let fault):
                    excessive = excessive ?? (model, fault)
                    guard exchange.ask.excludedModels.insert(Int32(model)) else { return .excessive(model: model, fault) }
                case .denied(let denial):
                    if limited.map({ denial.retry < $0.denial.retry }) ?? true { limited = (model, denial) }
                    guard denial.allowsAnother, exchange.ask.excludedModels.insert(Int32(model)) else {
                        return .limited(model: model, denial)
                    }
                }
            case .nothing(let recoveryAt, let shortage):
                if let limited { return .limited(model: limited.model, limited.denial) }
                if let excessive { return .excessive(model: excessive.model, excessive.fault) }
                return .nothing(recoveryAt: recoveryAt, shortage)
            case .target(let index, let isTrial):
                let model = context.model(ofTarget: index)
                exchange.ask.attempt += 1
                switch enter(model, &context) {
                case .entered:
                    if holdSlot(of: index, &context) { return .target(index, isTrial: isTrial) }
                case .excessive(let fault):
                    excessive = excessive ?? (model, fault)
                    guard exchange.ask.excludedModels.insert(Int32(model)) else { return .excessive(model: model, fault) }
                case .denied(let denial):
                    if limited.map({ denial.retry < $0.denial.retry }) ?? true { limited = (model, denial) }
                    guard denial.allowsAnother, exchange.ask.excludedModels.insert(Int32(model)) else {
                        return .limited(model: model, denial)
                    }
                }
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
        record.attempts &+= 1
        exchange.attempt = context.router.began(
            target, for: exchange.ask, isTrial: isTrial, slot: exchange.held?.slot, now: context.now)
        if record.trace.isSampled { noteAttempt(target, isHedge: false, now: context.now) }
        exchange.slotModel = exchange.held?.slot.model ?? -1
        exchange.held = nil
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

    enum BookEntry {
        case entered
        case denied(Denial)
        case excessive(RequestFault)
    }

    /// Charges the request to `model`, and to no other any more.
    mutating func enter(_ model: Int, _ context: inout FlowContext) -> BookEntry {
        guard model != exchange.model else { return .entered }
        var granted: Grant?
        let isGoverned = context.admission.isGoverned(client: identity.number, model: model)
        if isGoverned || context.admission.allowances.isPresent {
            let demand = demand(&context)
            exchange.session = demand.session
            if let fault = context.admission.check(model, demand) { return .excessive(fault) }
            // What is its client's is charged once: to the model that gets the request in the end.
            let isMoving = grant != nil && context.admission.allowances.isPresent
            if isMoving { grant?.takeBack(now: context.now) }
            switch context.admission.admit(model, demand) {
            case .ungoverned: break
            case .granted(let grant): granted = grant
            case .denied(let denial):
                count(denial, model, &context)
                if isMoving { takeGrantAgain(demand, &context) }
                return .denied(denial)
            }
        }
        open(model, &context)
        grant = granted
        return .entered
    }

    /// The request stays with the model that it was charged to before.
    private mutating func takeGrantAgain(_ demand: Demand, _ context: inout FlowContext) {
        grant = nil
        guard exchange.version == context.routesVersion, exchange.model >= 0 else { return }
        switch context.admission.admit(exchange.model, demand) {
        case .granted(let again): grant = again
        case .ungoverned: break
        // Others were quicker: it has to be charged anew before it is sent again.
        case .denied: exchange.model = -1
        }
    }

    private func count(_ denial: Denial, _ model: Int, _ context: inout FlowContext) {
        let row = context.ledger.row(ofModel: model)
        if denial.isOfTokens { context.ledger[row].tokenLimited += 1 } else { context.ledger[row].rateLimited += 1 }
    }

    /// Opens the books of the request for a model of the catalogue; those of another model are closed.
    mutating func open(_ index: Int, _ context: inout FlowContext) {
        guard index != exchange.model else { return }
        if let row { closeBooks(row, &context) }
        exchange.model = index
        exchange.countsTokens =
            record.isNoted || context.isGoverned(index) || context.admission.countsTokens(client: identity.number, model: index)
        let row = context.ledger.row(ofModel: index)
        begin(row: row, name: row == lastRow ? model : context.routes.name(index), &context)
    }

    /// Opens the books of a request for a model.
    mutating func begin(row: Int, name: String, _ context: inout FlowContext) {
        model = name
        lastRow = row
        self.row = row
        if record.isNoted { record.routed = name }
        answerStarted = false
        // That of the request before must not be taken for this one's.
        answer = nil
        context.ledger[row].requests += 1
        context.ledger[row].active += 1
        context.ledger[row].bytesIn += UInt64(taken)
    }

    mutating func closeBooks(_ row: Int, _ context: inout FlowContext) {
        if grant != nil || exchange.countsTokens { settleGrant(row, &context) }
        if answerStarted {
            context.ledger[row].duration.record((context.now - min(requestStart, context.now)) / 1000, on: .request)
        }
        context.ledger[row].active -= 1
        self.row = nil
    }

    // MARK: - Attempts

    /// The attempt under way has ended so; each is told once, here.
    mutating func settleAttempt(_ outcome: Outcome, _ context: inout FlowContext) {
        guard let attempt = exchange.attempt else { return }
        exchange.attempt = nil
        if record.trace.isSampled { noteAttemptEnd(outcome, isHedge: false, now: context.now) }
        context.ended(attempt, outcome)
    }
}

// MARK: - Slots

extension Flow {
    /// Takes the slot that the target needs; false: it went to another.
    private mutating func holdSlot(of index: Int, _ context: inout FlowContext) -> Bool {
        let target = context.table.target(index)
        switch context.takeSlot(target, group: exchange.group) {
        case .unneeded: return true
        case .taken(let slot):
            exchange.held = (target.number, slot)
            return true
        case .none:
            context.router.shutOut(target.number)
            return false
        }
    }

    /// The endpoint that was chosen does not get the request after all.
    mutating func dropHeld(_ context: FlowContext) {
        guard let held = exchange.held else { return }
        exchange.held = nil
        context.release(held.slot, of: held.endpoint)
    }
}

extension Denial {
    /// The limits of another model may let the request pass.
    fileprivate var allowsAnother: Bool {
        switch kind {
        case .quota: onExhausted == .rotate
        case .suspended, .sessionLifetime: false
        case .requests, .tokens, .inputTokens, .outputTokens, .concurrency: subject == .model || subject == .pair
        }
    }

    /// Not of requests.
    fileprivate var isOfTokens: Bool {
        switch kind {
        case .tokens, .inputTokens, .outputTokens, .quota(_, .tokens): true
        default: false
        }
    }
}
