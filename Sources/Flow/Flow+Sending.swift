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
        if let edit = sendRequest(to: target, renames: exchange.renames, .upstream, &out) { exchange.edit.set(edit) }
        inboxIsSpent = !isReplayable
    }

    /// What went to the endpoint has credentials of the caller's, and none of the broker's.
    var forwardsCredentials: Bool { exchange.target.map { forwardsCredentials(to: $0) } ?? false }

    func forwardsCredentials(to target: Target) -> Bool { request.hasCredentials && target.authorization.isEmpty }

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
    mutating func sendRequest(to target: Target, renames: Bool, _ leg: Leg, _ out: inout FlowOutput) -> ChunkedEdit? {
        out.compose(to: leg) { appendHead(to: target, renames: renames, &$0) }
        guard taken > request.size else { return nil }
        guard renames, let name = requestBody.modelRange else {
            out.add(.write(leg, Slice(.inbox, request.size..<taken)))
            return nil
        }
        let replacement = JSONText.escaped(target.modelName)
        if requestBody.announced == nil {
            var edit = ChunkedEdit(BodyEdit(name, replacement: replacement))
            out.compose(to: leg) { BodyComposer.append(inbox.span, request.size..<taken, &edit, to: &$0) }
            return edit
        }
        let (start, end) = (request.size + Int(name.lowerBound), request.size + Int(name.upperBound))
        out.add(.write(leg, Slice(.inbox, request.size..<start)))
        out.compose(to: leg) { $0.append(contentsOf: replacement) }
        if end < taken { out.add(.write(leg, Slice(.inbox, end..<taken))) }
        return nil
    }

    private mutating func appendHead(to target: Target, renames: Bool, _ bytes: inout [UInt8]) {
        var edit = HeadComposer.RequestEdit()
        if renames {
            if case .kserve(let range) = path {
                edit.nameInPath = range
            } else if let name = requestBody.modelRange, let announced = requestBody.announced {
                edit.length = BodyEdit(name, replacement: JSONText.escaped(target.modelName)).length(of: announced)
            }
        }
        HeadComposer.request(request, inbox.span, to: target, edit, client: caller.client, requestID: requestID, into: &bytes)
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
        let start = out.composed.count
        appendHead(to: target, renames: renames(to: target), &out.composed)
        let head = Slice(.composed, start..<out.composed.count)
        context.router.note(.mirrored, exchange.ask.route)
        let (tls, body) = (context.tls(ofTarget: index), mirroredBody(target, &out))
        out.add(.mirror(target.address, tls: tls, route: exchange.ask.route, head: head, body: body))
    }

    private mutating func mirroredBody(_ target: Target, _ out: inout FlowOutput) -> Slice {
        guard taken > request.size, renames(to: target), let name = requestBody.modelRange else {
            return Slice(.inbox, request.size..<max(taken, request.size))
        }
        let start = out.composed.count
        let bytes = inbox.span
        let edit = BodyEdit(name, replacement: JSONText.escaped(target.modelName))
        if requestBody.announced == nil {
            var chunked = ChunkedEdit(edit)
            BodyComposer.append(bytes, request.size..<taken, &chunked, to: &out.composed)
        } else {
            out.composed.append(bytes, request.size..<request.size + Int(name.lowerBound))
            out.composed.append(contentsOf: edit.replacement)
            out.composed.append(bytes, request.size + Int(name.upperBound)..<taken)
        }
        return Slice(.composed, start..<out.composed.count)
    }
}
