import Admission
import Control
import Flow
import Reactor

/// Keeping the kernel informed of which model each socket serves, and which sockets are at work.
extension Worker {
    /// How often to see whether entries have changed, in nanoseconds.
    private static let sweepInterval: UInt64 = 1_000_000_000
    /// How often to see whether sockets that rest have delivered what was written, in nanoseconds.
    private static let restInterval: UInt64 = 10_000_000
    /// Timers of the loop's own, told apart by slot.
    static let sweepToken = Token(.mailbox, slot: 1)
    static let restToken = Token(.mailbox, slot: 2)
    static let refusalToken = Token(.mailbox, slot: 3)
    static let queueToken = Token(.mailbox, slot: 4)

    /// Carries out what a flow says of one of its sockets.
    func tag(_ connection: Connection, _ leg: Leg, _ model: UInt32, _ active: Bool?) {
        if leg == .client {
            let number = connection.client.number
            let isEmpty = connection.clientQueue.isEmpty
            tag(&connection.tag, number, leg, connection, model, active, isEmpty: isEmpty, connection.token)
        } else if let upstream = connection.side(leg) {
            let number = upstream.descriptor.number
            let isEmpty = upstream.queue.isEmpty
            tag(&upstream.tag, number, leg, connection, model, active, isEmpty: isEmpty, upstream.token)
        }
    }

    private func tag(
        _ tag: inout SocketTag, _ number: Int32, _ leg: Leg, _ connection: Connection, _ model: UInt32, _ active: Bool?,
        isEmpty: Bool, _ token: Token
    ) {
        if active != false { tag.isResting = false }
        guard tag.differs(model, active) else { return }
        if active == false, !isEmpty || !Socket.isDelivered(number) {
            // What is on its way still takes its part of the bandwidth.
            guard !tag.isResting else { return }
            tag.isResting = true
            resting.append(token)
            if resting.count == 1 { wheel.add(Self.restToken.raw, deadline: context.now + Self.restInterval) }
            return
        }
        let client = connection.flow.caller.clientNumber
        if !tag.set(number, leg, model: model, client: client, active: active ?? true) { context.ledger.totals.tagFailures += 1 }
        // The entry brought its own.
        if isDeprioritized(connection, leg) { Socket.setPriority(number, Self.lowPriority) }
    }

    /// A timer of the loop's own fired.
    func expire(own token: Token) {
        switch token {
        case Self.restToken: restDelivered()
        case Self.refusalToken: sweepRefusals()
        case Self.queueToken: sweepQueue()
        default: sweep()
        }
    }

    /// Lets sockets rest that have delivered everything.
    private func restDelivered() {
        let waiting = resting
        resting.removeAll(keepingCapacity: true)
        for token in waiting where !rest(token) { resting.append(token) }
        if !resting.isEmpty { wheel.add(Self.restToken.raw, deadline: context.now + Self.restInterval) }
    }

    /// False: it has to be looked at again.
    private func rest(_ token: Token) -> Bool {
        if token.kind == .client {
            guard let connection = connections[token], connection.token == token, connection.tag.isResting else { return true }
            guard connection.clientQueue.isEmpty, Socket.isDelivered(connection.client.number) else { return false }
            idle(&connection.tag, connection.client.number, .client, connection.flow.caller.clientNumber)
        } else {
            guard let upstream = upstreams[token], upstream.token == token, upstream.tag.isResting else { return true }
            guard upstream.queue.isEmpty, Socket.isDelivered(upstream.descriptor.number) else { return false }
            idle(&upstream.tag, upstream.descriptor.number, .upstream, 0)
        }
        return true
    }

    private func idle(_ tag: inout SocketTag, _ number: Int32, _ leg: Leg, _ client: UInt32) {
        if !tag.set(number, leg, model: tag.model, client: client, active: false) { context.ledger.totals.tagFailures += 1 }
    }

    /// The kernel has let go of the sockets of models that are gone, whose slots may be others' by now.
    func forgetTags(of slots: Set<UInt32>) {
        guard !slots.isEmpty else { return }
        connections.forEach { connection in
            connection.flow.leave(slots)
            if slots.contains(connection.tag.model) { connection.tag = SocketTag() }
        }
        upstreams.forEach { if slots.contains($0.tag.model) { $0.tag = SocketTag() } }
    }

    /// Begins to watch for changed entries; called when there are any to watch.
    func watchEntries() {
        guard context.admission.isPresent, !isWatchingEntries else { return }
        isWatchingEntries = true
        wheel.add(Self.sweepToken.raw, deadline: context.now + Self.sweepInterval)
    }

    /// After a change, a model may have a bandwidth that had none: then it matters which of its sockets are at work.
    private func sweep() {
        isWatchingEntries = false
        guard context.admission.isPresent else { return }
        watchEntries()
        let changes = context.admission.changes
        guard changes != sweptChanges else { return }
        sweptChanges = changes
        connections.forEach { connection in
            connection.tag.forgetFailure()
            correct(&connection.tag, connection.client.number, .client, connection.flow, isAtWork: connection.flow.isAtWork)
        }
        upstreams.forEach { upstream in
            upstream.tag.forgetFailure()
            let flow = upstream.user?.flow
            correct(&upstream.tag, upstream.descriptor.number, .upstream, flow, isAtWork: flow?.isAtWork == true)
        }
    }

    private func correct(_ tag: inout SocketTag, _ number: Int32, _ leg: Leg, _ flow: Flow?, isAtWork: Bool) {
        guard tag.model != 0, !tag.isResting, tag.active != isAtWork, context.admission.hasBandwidth(slot: tag.model) else {
            return
        }
        let client = flow?.caller.clientNumber ?? 0
        if !tag.set(number, leg, model: tag.model, client: client, active: isAtWork) { context.ledger.totals.tagFailures += 1 }
    }
}
