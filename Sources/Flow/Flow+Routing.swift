import Catalog
import Control
import HTTPWire
import Routing
import Telemetry

/// Where a request, or a connection that is none, goes.
extension Flow {
    enum OpaqueReason: Hashable {
        case guess(ProtocolSniffer.Guess)
        /// Nothing was said for a second: the server speaks first.
        case silent
    }

    /// Passes the connection on as it is, or closes it where the rule forbids that.
    mutating func becomeOpaque(_ reason: OpaqueReason, _ context: inout FlowContext, _ out: inout FlowOutput) {
        let isRelayed = caller.opaque == .relay && caller.canReachDialled
        context.ledger.totals.opaque += 1
        out.events.append(event(isRelayed ? .opaque : .refused, description(of: reason)))
        guard isRelayed else {
            phase = .closing
            return out.add(.abort(.client))
        }
        course = .dialled
        isOpaque = true
        phase = .connecting
        connect(to: caller.dialled, .own, &context, &out)
    }

    private func description(of reason: OpaqueReason) -> String {
        guard case .guess(let guess) = reason else { return "silent" }
        if guess == .tls, let name = ClientHello.serverName(inbox.span) { return "tls sni=\(name)" }
        return guess.description
    }

    func event(_ kind: ProxyEvent.Kind, _ detail: String, address: SocketAddress? = nil) -> ProxyEvent {
        ProxyEvent(
            kind: kind, model: model, client: caller.client, pid: caller.pid, cgroup: caller.cgroup,
            address: address ?? caller.dialled, detail: detail)
    }

    /// Decides where the request goes and asks for the connection.
    mutating func route(_ context: inout FlowContext, _ out: inout FlowOutput) {
        isReplayable = requestBody.isComplete || requestBody.announced.map { $0 <= UInt64(Self.replayLimit) } == true
        if requestBody.foundModel {
            let known = requestBody.withModel { context.routes.model(named: $0) } ?? nil
            if let known { return toEndpoint(known, &context, &out) }
            if isStrict {
                let name = requestBody.withModel { Self.text($0) } ?? ""
                return refuse(.modelUnknown(name), &context, &out)
            }
            noteSeenModel(&context, &out)
        } else if let dedicated = dedicatedModel(context), !(isStrict && asksForModels) {
            return toEndpoint(dedicated, &context, &out)
        } else if isStrict {
            return answerHere(&context, &out)
        } else {
            model = ""
            lastRow = -1
            context.ledger.totals.unnamed += 1
        }
        toDialled(&context, &out)
    }

    private var asksForModels: Bool {
        if case .models = RequestPath(inbox.span, request.target.range) { return true }
        return false
    }

    private mutating func toEndpoint(_ index: Int, _ context: inout FlowContext, _ out: inout FlowOutput) {
        let row = context.ledger.row(ofModel: index)
        let name = row == lastRow ? model : context.routes.name(index)
        begin(row: row, name: name, &context)
        guard admit(index, &context, &out) else { return }
        if course == .dialled { dropUpstream(reusable: false, &out) }
        guard context.routes.targetCount(index) > 0 else {
            return refuse(.noEndpoint(model), &context, &out)
        }
        course = .endpoint(model: index, index: context.turn(index), tried: 0)
        routesVersion = context.routesVersion
        connectToTarget(isReplayable ? .pooled : .fresh, &context, &out)
    }

    mutating func connectToTarget(_ policy: ConnectPolicy, _ context: inout FlowContext, _ out: inout FlowOutput) {
        // After a new catalogue was taken up its numbers say something else; the target chosen before still stands.
        if case .endpoint(let model, let index, _) = course, routesVersion == context.routesVersion {
            target = context.routes.target(model, index)
        }
        guard let target else { return refuse(.noEndpoint(model), &context, &out) }
        phase = .connecting
        connect(to: target.address, policy, &context, &out)
    }

    private mutating func toDialled(_ context: inout FlowContext, _ out: inout FlowOutput) {
        guard caller.canReachDialled else {
            let reason = "it is a loopback address of the caller's own network namespace"
            return refuse(.dialledUnreachable(caller.dialled.description, reason), &context, &out)
        }
        let isOpen = hasUpstream && course == .dialled
        if hasUpstream, !isOpen { dropUpstream(reusable: false, &out) }
        course = .dialled
        phase = .connecting
        if isOpen {
            connected(reused: true, &context, &out)
        } else {
            connect(to: caller.dialled, .own, &context, &out)
        }
    }

    private mutating func connect(
        to address: SocketAddress, _ policy: ConnectPolicy, _ context: inout FlowContext, _ out: inout FlowOutput
    ) {
        endpoint = address
        deadline = context.deadline(afterMilliseconds: context.timeouts.connect)
        pause(&out)
        out.add(.connect(address, policy, tls: 0))
    }

    /// Opens the books of a request for a model.
    private mutating func begin(row: Int, name: String, _ context: inout FlowContext) {
        model = name
        lastRow = row
        self.row = row
        answerStarted = false
        context.ledger[row].requests += 1
        context.ledger[row].active += 1
        context.ledger[row].bytesIn += UInt64(taken)
    }

    private mutating func noteSeenModel(_ context: inout FlowContext, _ out: inout FlowOutput) {
        let seen = requestBody.withModel { context.ledger.row(seen: $0) } ?? (row: 0, isNew: false)
        let name = seen.isNew || lastRow != seen.row ? requestBody.withModel { Self.text($0) } ?? "" : model
        begin(row: seen.row, name: name, &context)
        if seen.isNew { out.events.append(event(.unknownModel, "not in the catalogue; relayed to the address dialled")) }
    }

    static func text(_ bytes: Span<UInt8>) -> String {
        String(decoding: bytes.indices.map { bytes[$0] }, as: UTF8.self)
    }
}
