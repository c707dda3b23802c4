import Admission
import Catalog
import Control
import HTTPWire
import Routing
import Telemetry

/// Waiting for a slot.
extension Flow {
    private static let lookPeriod: UInt64 = 1_000_000_000
    /// How soon to look again where the room goes by another catalogue, or knows more of a server, than this loop.
    private static let lookSoon: UInt64 = 20_000_000
    private static let mostEndpoints = 16

    enum LineEntry {
        /// It waits; `beginToWait` is still to be called where it did not wait before.
        case waiting
        case granted(Int, isTrial: Bool)
        case refused(Refusal)
    }

    /// It stands in line.
    package var isQueued: Bool { phase == .queued }

    /// Nothing is known yet of where the request goes: what is read of it is held.
    package var isCollecting: Bool {
        switch phase {
        case .idle, .head, .body, .sniffing: true
        default: false
        }
    }

    // MARK: - Coming

    /// Waits for one of the targets, or is refused.
    mutating func enterQueue(_ targets: [Int], _ context: inout FlowContext, _ out: inout FlowOutput) {
        switch standInLine(targets, &context) {
        case .waiting: beginToWait(context, &out)
        case .granted(let index, let isTrial):
            exchange.ask.scope = .any
            begin(at: index, isTrial: isTrial, &context, &out)
        case .refused(let refusal):
            leaveQueue(&context)
            takeGrantBack(context)
            refuse(refusal, &context, &out)
        }
    }

    mutating func beginToWait(_ context: FlowContext, _ out: inout FlowOutput) {
        phase = .queued
        if record.trace.isSampled { noteQueue(now: context.now) }
        pause(&out)
        deadline = exchange.wait.value?.next ?? context.now
    }

    /// Enters the queues of the targets' models; what is waited for, and for how long, is in `exchange.wait`.
    mutating func standInLine(_ targets: [Int], _ context: inout FlowContext) -> LineEntry {
        let choices = Self.choices(targets, context)
        let policy = context.shares.queue(exchange.group, model: max(0, exchange.model))
        var wait = exchange.wait.value ?? newWait(policy, context)
        wait.endpoints = choices
        wait.ticket = nil
        wait.lookAt = context.now + Self.lookPeriod
        wait.isForEngine = want(choices, &context)
        let answer = context.room.enter(ticketAsk(choices, wait), now: context.now)
        switch answer {
        case .granted(let grant):
            if let (index, isTrial) = use(grant, &context) {
                exchange.wait.remove()
                return .granted(index, isTrial: isTrial)
            }
            wait.lookAt = context.now + Self.lookSoon
        case .waiting(let ticket): wait.ticket = ticket
        case .stale: wait.lookAt = context.now + Self.lookSoon
        case .full(let retryAfter): return .refused(.queueFull(model, nanoseconds: retryAfter))
        case .hopeless(let retryAfter): return .refused(.overloaded(model, nanoseconds: retryAfter))
        }
        exchange.wait.set(wait)
        return .waiting
    }

    /// The endpoints of targets, as many as a ticket can name.
    static func choices(_ targets: [Int], _ context: FlowContext) -> [EndpointChoice] {
        targets.prefix(mostEndpoints).map { index in
            let target = context.table.target(index)
            return EndpointChoice(number: target.number, model: target.slot)
        }
    }

    /// Those models, each once.
    static func models(_ choices: [EndpointChoice]) -> SmallList<8, Int32> {
        var models = SmallList<8, Int32>()
        for choice in choices where !models.contains(choice.model) { models.append(choice.model) }
        return models
    }

    private func newWait(_ policy: QueuePolicy, _ context: FlowContext) -> Wait {
        let period = family == .v1 && request.isHTTP11 ? Self.nanoseconds(policy.comments ?? 0) : 0
        return Wait(
            ticket: nil, endpoints: [], deadline: context.now + Self.nanoseconds(policy.wait), lookAt: 0,
            commentAt: period == 0 ? 0 : context.now + period, commentPeriod: period, isForEngine: false)
    }

    private static func nanoseconds(_ milliseconds: Int) -> UInt64 { UInt64(max(0, milliseconds)) * 1_000_000 }

    private mutating func ticketAsk(_ choices: [EndpointChoice], _ wait: Wait) -> TicketAsk {
        TicketAsk(
            owner: owner, group: exchange.group, level: exchange.level, cost: max(1, estimate().tokens),
            bytes: UInt64(inbox.count), arrival: exchange.arrival, deadline: wait.deadline, models: Self.models(choices),
            endpoints: SmallList(choices))
    }

    /// Has the first server started that does not run: one is enough to begin with. Whether none of them runs.
    private func want(_ choices: [EndpointChoice], _ context: inout FlowContext) -> Bool {
        let asleep = choices.filter { context.router.isAsleep($0.number) }
        if let first = asleep.first { context.wanted.insert(first.number) }
        return asleep.count == choices.count
    }

    // MARK: - What becomes of it

    /// Something has become of a ticket. One that is this flow's no more has come too late: its slot goes back.
    package mutating func called(_ call: RoomCall, _ context: inout FlowContext, _ out: inout FlowOutput) {
        guard phase == .queued, let ticket = exchange.wait.value?.ticket, ticket == call.ticket else {
            if case .granted(let grant) = call { context.room.giveBack(grant, now: context.now) }
            return
        }
        dropSpentInbox()
        _ = exchange.wait.change { $0.ticket = nil }
        switch call {
        case .granted(let grant): take(grant, &context, &out)
        case .shed(_, let retryAfter): refuse(.overloaded(model, nanoseconds: retryAfter), &context, &out)
        case .lookAgain: look(&context, &out)
        }
        pump(&context, &out)
    }

    private mutating func take(_ grant: RoomGrant, _ context: inout FlowContext, _ out: inout FlowOutput) {
        guard followReload(context) else {
            context.room.giveBack(grant, now: context.now)
            return exhausted(0, &context, &out)
        }
        guard let (index, isTrial) = use(grant, &context) else { return look(&context, &out) }
        exchange.wait.remove()
        exchange.ask.scope = .any
        begin(at: index, isTrial: isTrial, &context, &out)
    }

    /// The target that a slot was granted for, with the books of its model open; nil: it can't be used, and was given back.
    private mutating func use(_ grant: RoomGrant, _ context: inout FlowContext) -> (Int, Bool)? {
        guard let found = context.granted(grant.endpoint, exchange.ask, client: identity.number, operation) else {
            context.room.giveBack(grant, now: context.now)
            return nil
        }
        let model = context.model(ofTarget: found.target)
        guard case .entered = enter(model, &context) else {
            exchange.ask.excludedModels.insert(Int32(model))
            context.room.giveBack(grant, now: context.now)
            return nil
        }
        settleShare(0, &context)
        exchange.held = (grant.endpoint, HeldSlot(model: grant.model, group: grant.group, isBooked: true))
        exchange.slotModel = grant.model
        exchange.charged = grant.cost
        exchange.ask.attempt += 1
        return (found.target, found.isTrial)
    }

    /// A point in time has come at which something is due.
    mutating func waitOn(_ context: inout FlowContext, _ out: inout FlowOutput) {
        guard let wait = exchange.wait.value else { return exhausted(0, &context, &out) }
        if wait.deadline <= context.now { return giveUpWaiting(wait, &context, &out) }
        if wait.commentAt != 0, wait.commentAt <= context.now { comment(context, &out) }
        if wait.lookAt <= context.now { return look(&context, &out) }
        deadline = exchange.wait.value?.next ?? context.now
    }

    private mutating func giveUpWaiting(_ wait: Wait, _ context: inout FlowContext, _ out: inout FlowOutput) {
        if let ticket = wait.ticket, !context.room.leave(ticket, now: context.now) {
            // A slot is on its way.
            return deadline = context.now + Self.lookSoon
        }
        _ = exchange.wait.change { $0.ticket = nil }
        let retry = context.room.retryAfter(wait.endpoints, level: exchange.level, group: exchange.group, now: context.now)
        refuse(
            wait.isForEngine ? .modelLoading(model, nanoseconds: retry) : .queueTimeout(model, nanoseconds: retry), &context, &out
        )
    }

    /// Sees whether something else can have the request by now, or more, or less, is to be waited for. What is known of
    /// endpoints, or the catalogue, may have changed.
    package mutating func lookAgain(_ context: inout FlowContext, _ out: inout FlowOutput) {
        guard phase == .queued else { return }
        dropSpentInbox()
        look(&context, &out)
        pump(&context, &out)
    }

    private mutating func look(_ context: inout FlowContext, _ out: inout FlowOutput) {
        let version = exchange.version
        guard followReload(context) else { return exhausted(0, &context, &out) }
        if version != exchange.version { followShares(context) }
        switch choose(&context, &out) {
        case .target(let index, let isTrial):
            leaveLine(as: .served, context)
            exchange.ask.scope = .any
            begin(at: index, isTrial: isTrial, &context, &out)
        case .full(let targets): stayInLine(targets, hasMoved: version != exchange.version, &context, &out)
        case .limited(let model, let denial): refuse(model, denial, &context, &out)
        case .excessive(_, let fault): refuse(.excessive(fault, self.model), &context, &out)
        case .nothing(let recoveryAt, _): exhausted(recoveryAt, &context, &out)
        }
    }

    private mutating func stayInLine(
        _ targets: [Int], hasMoved: Bool, _ context: inout FlowContext, _ out: inout FlowOutput
    ) {
        let choices = Self.choices(targets, context)
        if let wait = exchange.wait.value, let ticket = wait.ticket {
            let stays = !hasMoved && wait.endpoints == choices
            // What is on its way to one that has left already decides.
            if stays || !context.room.leave(ticket, as: .moved, now: context.now) {
                let isForEngine = want(choices, &context)
                _ = exchange.wait.change {
                    $0.lookAt = context.now + Self.lookPeriod
                    $0.isForEngine = isForEngine
                }
                return deadline = exchange.wait.value?.next ?? context.now
            }
        }
        enterQueue(targets, &context, &out)
    }

    /// The group may have another number, and other terms.
    private mutating func followShares(_ context: FlowContext) {
        exchange.group = context.shares.group(client: identity.number, name: identity.number < 0 ? caller.client : "")
        exchange.level = request.asksBatch ? .min : context.shares.level(exchange.group)
    }

    // MARK: - Leaving

    /// The request waits no more, whatever comes of it.
    mutating func leaveQueue(_ context: inout FlowContext) {
        guard !exchange.wait.isEmpty else { return }
        leaveLine(as: .gone, context)
        takeGrantBack(context)
    }

    private mutating func leaveLine(as departure: Departure, _ context: FlowContext) {
        guard let wait = exchange.wait.value else { return }
        exchange.wait.remove()
        if let ticket = wait.ticket { context.room.leave(ticket, as: departure, now: context.now) }
    }

    /// No endpoint has seen the request: it takes nothing out of any limit.
    private mutating func takeGrantBack(_ context: FlowContext) {
        guard exchange.sent == 0 else { return }
        grant?.takeBack(now: context.now)
        grant = nil
        exchange.countsTokens = false
    }

    /// What the request used, in the place of what it was charged when it got its slot.
    mutating func settleShare(_ tokens: UInt64, _ context: inout FlowContext) {
        guard exchange.slotModel >= 0, tokens > 0 || exchange.charged > 0 else { return }
        context.room.settle(
            exchange.slotModel, group: exchange.group, level: exchange.level, estimated: exchange.charged, real: tokens,
            now: context.now)
        exchange.charged = 0
    }

    /// When the server is tried again that failed and without which nobody can have the request; nil: that is not why.
    func enginesFail(_ context: FlowContext) -> UInt64? {
        guard exchange.hasRoute, exchange.version == context.routesVersion else { return nil }
        return context.router.engineRetry(exchange.ask.route, context.routes, now: context.now)
    }
}

extension RoomCall {
    var ticket: TicketID {
        switch self {
        case .granted(let grant): grant.ticket
        case .shed(let ticket, _), .lookAgain(let ticket): ticket
        }
    }
}
