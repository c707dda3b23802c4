import Catalog
import Control
import HTTPWire
import Routing
import Telemetry

/// The request on its way to an endpoint.
extension Flow {
    mutating func sendAsItIs(_ out: inout FlowOutput) {
        out.add(.write(.upstream, Slice(.inbox, 0..<taken)))
        inboxIsSpent = !isReplayable
    }

    /// Sends what there is of the request to the target in use; the rest of its body follows as it comes.
    mutating func sendToEndpoint(_ out: inout FlowOutput) {
        guard let target = exchange.target else { return }
        exchange.sent += 1
        exchange.renames = renames(to: target)
        exchange.edit.remove()
        exchange.asksUsage = false
        if let edit = sendRequest(to: target, renames: exchange.renames, .upstream, &out) { exchange.edit.set(edit) }
        inboxIsSpent = !isReplayable
    }

    /// What went to the endpoint has credentials of the caller's, and none of the broker's.
    var forwardsCredentials: Bool { exchange.target.map { forwardsCredentials(to: $0) } ?? false }

    func forwardsCredentials(to target: Target) -> Bool { target.forwardsCredentials && !request.credentials.isEmpty }

    /// Whether the target knows the model by another name than the request gives.
    mutating func renames(to target: Target) -> Bool {
        withName { name in
            guard name.count == target.modelName.count else { return true }
            for index in name.indices where name[index] != target.modelName[index] { return true }
            return false
        } ?? false
    }

    /// Returns what has to become of the rest of the body.
    @discardableResult
    mutating func sendRequest(to target: Target, renames: Bool, _ leg: Leg, _ out: inout FlowOutput) -> RequestEdit? {
        let edits = bodyEdits(to: target, renames: renames, asksUsage: true)
        out.compose(to: leg) { appendHead(to: target, renames: renames, edits, isHedge: leg == .hedge, &$0) }
        guard taken > request.size else { return nil }
        guard let edits else {
            out.add(.write(leg, Slice(.inbox, request.size..<taken)))
            return nil
        }
        if requestBody.announced == nil {
            var chunked = ChunkedEdit(edits)
            out.compose(to: leg) { BodyComposer.append(inbox.span, request.size..<taken, &chunked, to: &$0) }
            return .chunked(chunked)
        }
        var start = request.size
        for edit in edits.edits {
            let place = request.size + Int(edit.range.lowerBound)
            if start < place { out.add(.write(leg, Slice(.inbox, start..<place))) }
            out.compose(to: leg) { $0.append(contentsOf: edit.replacement) }
            start = request.size + Int(edit.range.upperBound)
        }
        if start < taken { out.add(.write(leg, Slice(.inbox, start..<taken))) }
        return edits.isOpen ? .length(BodyEdits(isOpen: true, from: requestBody.size)) : nil
    }

    private mutating func appendHead(
        to target: Target, renames: Bool, _ edits: BodyEdits?, isHedge: Bool = false, _ bytes: inout [UInt8]
    ) {
        var edit = HeadComposer.RequestEdit()
        if renames, !pathName.isEmpty { edit.nameInPath = path.name }
        if let edits, let announced = requestBody.announced { edit.length = edits.announcedLength(of: announced) }
        HeadComposer.request(
            request, inbox.span, to: target, edit, client: client, isLowPriority: isLowPriority, requestID: requestID,
            trace: record.trace.isOn ? traceParent(isHedge: isHedge) : nil, into: &bytes)
    }

    // MARK: - Copies

    /// Sends a copy of the request to where the route wants one, now that it is whole.
    mutating func mirror(_ plan: RoutePlan, _ context: inout FlowContext, _ out: inout FlowOutput) {
        exchange.isMirrored = true
        guard isReplayable, requestBody.size <= UInt64(plan.bodyLimit), context.takesMirror(plan.mirrorPercent) else { return }
        let ask = RouteAsk(route: Int(plan.mirror), family: family, attempt: 1)
        guard case .target(let index, let isTrial) = context.router.pick(ask, context.routes, now: context.now), !isTrial else {
            return context.router.note(.mirrorFailed, exchange.ask.route)
        }
        let target = context.routes.target(index)
        let edits = bodyEdits(to: target, renames: renames(to: target), asksUsage: false)
        let start = out.composed.count
        appendHead(to: target, renames: renames(to: target), edits, &out.composed)
        let head = Slice(.composed, start..<out.composed.count)
        context.router.note(.mirrored, exchange.ask.route)
        let (tls, body) = (context.tls(ofTarget: index), mirroredBody(edits, &out))
        out.add(.mirror(target.address, tls: tls, route: exchange.ask.route, head: head, body: body))
    }

    private mutating func mirroredBody(_ edits: BodyEdits?, _ out: inout FlowOutput) -> Slice {
        guard taken > request.size, var edits else {
            return Slice(.inbox, request.size..<max(taken, request.size))
        }
        let start = out.composed.count
        if requestBody.announced == nil {
            var chunked = ChunkedEdit(edits)
            BodyComposer.append(inbox.span, request.size..<taken, &chunked, to: &out.composed)
        } else {
            BodyComposer.append(inbox.span, request.size..<taken, &edits, to: &out.composed)
        }
        return Slice(.composed, start..<out.composed.count)
    }
}
