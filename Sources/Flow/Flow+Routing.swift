import Admission
import Catalog
import Control
import HTTPWire
import Identity
import Routing
import Telemetry

/// What a request asks for, and whether that is to be had here, from an endpoint, or from the address dialled.
extension Flow {
    /// Decides where the request goes and asks for the connection.
    mutating func route(_ context: inout FlowContext, _ out: inout FlowOutput) {
        isReplayable = isReplayable(upTo: Self.replayLimit)
        if context.firewall != nil, !passesFirewall(&context, &out) { return }
        if isStrict {
            guard identify(&context, &out), passesFirewall(client: firewallClient, &context, &out) else { return }
        }
        if hasName {
            let table = context.table
            if let route = withName({ table.route(named: $0) }) ?? nil { return toRoute(route, &context, &out) }
            if isStrict { return refuse(.modelUnknown(givenName), &context, &out) }
            noteSeenModel(&context, &out)
        } else if let dedicated = dedicatedRoute(context), !(isStrict && isAnsweredHere) {
            return toRoute(dedicated, &context, &out)
        } else if isStrict {
            return answerHere(&context, &out)
        } else {
            model = ""
            lastRow = -1
            context.ledger.totals.unnamed += 1
        }
        toDialled(&context, &out)
    }

    /// Whether the whole request can be held while it is under way.
    private mutating func isReplayable(upTo limit: Int) -> Bool {
        requestBody.isComplete || requestBody.announced.map { $0 <= UInt64(limit) } == true
    }

    // MARK: - The name

    /// The request names what it wants, in its path or its body.
    var hasName: Bool { !pathName.isEmpty || requestBody.foundModel }

    /// The name given, for as long as `body` runs; nil: there is none. It changes nothing, but who reads a flow in a call of
    /// its own while changing it pays for a copy; the same holds for others of its functions.
    mutating func withName<Result>(_ body: (Span<UInt8>) -> Result) -> Result? {
        pathName.isEmpty ? requestBody.withModel(body) : body(pathName.span)
    }

    var givenName: String { mutating get { withName { Self.text($0) } ?? caller.model } }

    /// The route that the address dialled is dedicated to.
    func dedicatedRoute(_ context: FlowContext) -> Int? {
        guard !caller.model.isEmpty else { return nil }
        return context.routes.route(named: caller.model.utf8Span.span)
    }

    static func text(_ bytes: Span<UInt8>) -> String {
        String(decoding: bytes.indices.map { bytes[$0] }, as: UTF8.self)
    }

    // MARK: - To an endpoint

    private mutating func toRoute(_ route: Int, _ context: inout FlowContext, _ out: inout FlowOutput) {
        if !isStrict {
            guard identify(&context, &out), passesFirewall(client: firewallClient, &context, &out) else { return }
        }
        if record.isAudited { keepPrompt(context) }
        let plan = context.plans[route]
        if plan.bodyLimit != Self.replayLimit { isReplayable = isReplayable(upTo: plan.bodyLimit) }
        if course == .dialled { dropUpstream(reusable: false, &out) }
        course = .endpoint
        begin(route, plan, context)
        if let fault = keyFault {
            openBooks(plan, &context)
            return refuse(.malformed(fault), &context, &out)
        }
        switch choose(&context, &out) {
        case .target(let index, let isTrial): begin(at: index, isTrial: isTrial, &context, &out)
        case .limited(let model, let denial): refuse(model, denial, &context, &out)
        case .excessive(let model, let fault):
            open(model, &context)
            refuse(.excessive(fault, self.model), &context, &out)
        case .nothing(let recoveryAt, let shortage): refuse(shortage, recoveryAt, plan, &context, &out)
        case .full(let targets): enterQueue(targets, &context, &out)
        }
    }

    /// No endpoint may have the request, or none can.
    private mutating func refuse(
        _ shortage: Shortage, _ recoveryAt: UInt64, _ plan: RoutePlan, _ context: inout FlowContext, _ out: inout FlowOutput
    ) {
        openBooks(plan, &context)
        switch shortage {
        case .closed:
            if let row { context.ledger[row].accessRefused += 1 }
            refuse(closed(context), &context, &out)
        case .family: refuse(.interfaceMissing(model, familyName), &context, &out)
        case .empty, .excluded, .standby, .full:
            exhausted(recoveryAt, &context, &out)
        }
    }

    /// What is said to a caller to whom all that the route has is closed.
    private mutating func closed(_ context: FlowContext) -> Refusal {
        let name = model.isEmpty ? givenName : model
        let (route, client) = (exchange.ask.route, identity.number)
        let rule = context.closingRule(route, client: client, operation)
        let isOpenOtherwise = [Operation.chat, .embeddings, .other].contains { context.mayCall(route, client: client, $0) }
        return isOpenOtherwise ? .operationDenied(operation.text, name, rule: rule) : .accessDenied(name, rule: rule)
    }

    /// The limit of what the request would be charged to refuses it.
    mutating func refuse(_ model: Int, _ denial: Denial, _ context: inout FlowContext, _ out: inout FlowOutput) {
        open(model, &context)
        let holder = Refusal.Holder(subject: denial.subject, client: client, model: self.model)
        let demand = demand(&context)
        refuse(.limited(holder, denial, context.admission.levels(model, demand)), &context, &out)
    }

    /// Opens the books of the model that the request names; a pool has none.
    private mutating func openBooks(_ plan: RoutePlan, _ context: inout FlowContext) {
        let index = plan.kind == .model ? context.routes.route(exchange.ask.route).models.first : nil
        guard let index else { return model = givenName }
        open(index, &context)
    }

    /// Nothing of the route is usable: when it is worth trying again is all that can be said.
    mutating func exhausted(_ recoveryAt: UInt64, _ context: inout FlowContext, _ out: inout FlowOutput) {
        out.events.append(event(.poolExhausted, "nothing usable"))
        if let until = enginesFail(context) {
            return refuse(.modelLoading(givenName, nanoseconds: until - min(until, context.now)), &context, &out)
        }
        refuse(.noEndpoint(givenName, seconds: Self.seconds(until: recoveryAt, context.now)), &context, &out)
    }

    /// Whole seconds, as many as clients are ready to wait.
    static func seconds(until time: UInt64, _ now: UInt64) -> Int {
        guard time > now else { return 1 }
        guard time != .max else { return 5 }
        return Int(min(120, max(1, (time - now + 999_999_999) / 1_000_000_000)))
    }

    private var familyName: StaticString {
        switch family {
        case .v1: "/v1"
        case .v2: "/v2"
        case .ollama: "/api"
        case .other: "this"
        }
    }

    // MARK: - To the address dialled

    private mutating func toDialled(_ context: inout FlowContext, _ out: inout FlowOutput) {
        guard caller.canReachDialled else {
            let reason = "it is a loopback address of the caller's own network namespace"
            return refuse(.dialledUnreachable(caller.dialled.description, reason), &context, &out)
        }
        if context.firewall != nil {
            if standing.version != context.routesVersion { takeStanding(context) }
            guard passesFirewall(client: firewallClient, &context, &out) else { return }
        }
        if record.isAudited { keepPrompt(context) }
        record.isRelayed = true
        record.attempts = 1
        let isOpen = hasUpstream && course == .dialled
        if hasUpstream, !isOpen { dropUpstream(reusable: false, &out) }
        course = .dialled
        phase = .connecting
        if isOpen {
            connected(reused: true, &context, &out)
        } else {
            connect(to: caller.dialled, .own, tls: 0, &context, &out)
        }
    }

    mutating func connect(
        to address: SocketAddress, _ policy: ConnectPolicy, tls: UInt16, _ context: inout FlowContext, _ out: inout FlowOutput
    ) {
        endpoint = address
        if record.isNoted { noteEndpoint(address) }
        deadline = context.deadline(afterMilliseconds: context.timeouts.connect)
        pause(&out)
        out.add(.connect(address, policy, tls: tls))
    }

    private mutating func noteSeenModel(_ context: inout FlowContext, _ out: inout FlowOutput) {
        let seen = withName { context.ledger.row(seen: $0) } ?? (row: 0, isNew: false)
        let name = seen.isNew || lastRow != seen.row ? givenName : model
        begin(row: seen.row, name: name, &context)
        if seen.isNew { out.events.append(event(.unknownModel, "not in the catalogue; relayed to the address dialled")) }
    }
}
