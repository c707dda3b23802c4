import Catalog
import Control
import HTTPWire
import Identity
import Routing
import Telemetry

/// The client's side: collecting requests.
extension Flow {
    mutating func clientReceived(_ bytes: Span<UInt8>, _ context: inout FlowContext, _ out: inout FlowOutput) {
        switch phase {
        case .sniffing:
            hold(bytes, 0..<bytes.count, &context)
            sniff(&context, &out)
        case .idle, .head, .body:
            hold(bytes, 0..<bytes.count, &context)
            collect(&context, &out)
        case .connecting, .resting, .queued, .proving:
            hold(bytes, 0..<bytes.count, &context)
            pause(&out)
        case .waiting, .streaming:
            if requestBody.isComplete {
                // The next request came early: it waits until this one is answered.
                hold(bytes, 0..<bytes.count, &context)
                pause(&out)
            } else {
                streamBody(bytes, &context, &out)
            }
        case .tunnel: forward(.upstream, bytes, 0..<bytes.count, &out)
        case .draining, .closing: break
        }
    }

    /// Adds to the inbox, in a buffer of the loop's once it gets large.
    private mutating func hold(_ bytes: Span<UInt8>, _ range: Range<Int>, _ context: inout FlowContext) {
        let needed = inbox.count + range.count
        if needed > inbox.capacity, needed > Self.idleCapacity {
            var larger = context.buffers.take()
            // Where many wait, none of them needs room for more than it has.
            larger.reserveCapacity(context.room.isBusy ? needed : max(needed, announcedSize, 2 * inbox.capacity))
            larger.append(inbox.span)
            if inbox.capacity > Self.idleCapacity { context.buffers.give(&inbox) }
            inbox = larger
        }
        inbox.append(bytes, range)
    }

    /// How large the request under way is going to be, as far as it will be held.
    private var announcedSize: Int {
        guard phase == .body || phase == .proving || phase == .waiting || phase == .streaming,
            let announced = requestBody.announced
        else { return 0 }
        return request.size + Int(min(announced, UInt64(Self.replayLimit)))
    }

    mutating func forward(_ leg: Leg, _ bytes: Span<UInt8>, _ range: Range<Int>, _ out: inout FlowOutput) {
        guard !range.isEmpty else { return }
        if leg == .client { bytesOut += UInt64(range.count) }
        out.add(.write(leg, Slice(.received, range)))
    }

    private mutating func sniff(_ context: inout FlowContext, _ out: inout FlowOutput) {
        switch ProtocolSniffer.judge(inbox.span) {
        case .undecided: deadline = min(sniffLimit, context.deadline(afterMilliseconds: context.timeouts.sniff))
        case .http:
            phase = .head
            deadline = context.deadline(afterMilliseconds: context.timeouts.head)
            collect(&context, &out)
        case .opaque(let guess): becomeOpaque(.guess(guess), &context, &out)
        }
    }

    /// Reads on in the inbox: the head, then the body as far as it must be known.
    mutating func collect(_ context: inout FlowContext, _ out: inout FlowOutput) {
        if phase == .idle {
            phase = .head
            deadline = context.deadline(afterMilliseconds: context.timeouts.head)
        }
        do throws(HeadFault) {
            if phase == .head, try !readHead(&context, &out) { return }
            guard phase == .body else { return }
            let held = inbox
            taken = try requestBody.advance(held.span, from: taken)
        } catch {
            return refuse(.malformed(error), &context, &out)
        }
        considerRouting(&context, &out)
    }

    /// Whether the head is whole; the phase is `.body` then, unless the request was refused.
    private mutating func readHead(_ context: inout FlowContext, _ out: inout FlowOutput) throws(HeadFault) -> Bool {
        // A reference to the same storage: the compiler can't see that a span of `inbox` leaves the rest of self alone.
        let held = inbox
        guard let size = try headScanner.end(in: held.span) else { return false }
        request = RequestHead()
        request = try RequestHead(parsing: held.span, size: size)
        requests += 1
        requestID.set(request, held.span, otherwise: context.nextRequestID())
        readPath(held.span, isGoverned: !context.directory.isOpen)
        requestStart = context.now
        beginRecord(&context)
        if context.audit.isOn { noteAsked(held.span) }
        if context.sampler.isOn { beginTrace(held.span, &context) }
        taken = size
        continued = false
        phase = .body
        deadline = context.deadline(afterMilliseconds: context.timeouts.bodyIdle)
        requestBody = RequestBody(
            request.framing, inspect: isWorthInspecting(context.maxBody), promptBytes: context.promptBytes)
        considerHead(&context, &out)
        return true
    }

    /// What can be said of a request before its body is there.
    mutating func considerHead(_ context: inout FlowContext, _ out: inout FlowOutput) {
        if context.firewall != nil, !passesFirewall(&context, &out) { return }
        guard isStrict else { return }
        let announced = requestBody.announced ?? .max
        // Nobody's body is collected that is worth the room; a small one may come to its end first.
        if !context.directory.isOpen, request.expectsContinue || announced > UInt64(Self.holdLimit) {
            guard identify(&context, &out), isAdmissible(&context, &out) else { return }
        }
        if announced != .max, announced > UInt64(context.maxBody) { refuse(.tooLarge(context.maxBody), &context, &out) }
    }

    private mutating func readPath(_ bytes: Span<UInt8>, isGoverned: Bool) {
        path = RequestPath(bytes, request.target.range)
        family = path.family(bytes, request.target.range)
        operation = RequestOperation.of(request, bytes)
        if !pathName.isEmpty { pathName.removeAll(keepingCapacity: true) }
        if let range = Self.nameInPath(path, isGoverned: isGoverned, operation) {
            PercentCoding.appendDecoded(bytes, range, to: &pathName)
        }
        // Where nobody is asked who they are there is nobody who could be allowed to administer.
        if operation == .admin, !isGoverned { operation = .other }
    }

    /// Where the path names the model that the request is for.
    private static func nameInPath(_ path: RequestPath, isGoverned: Bool, _ operation: Operation) -> Range<Int>? {
        switch path {
        case .kserve(let range): range
        case .kserveRepository(let range) where isGoverned: range
        case .model(let range) where isGoverned && operation == .admin: range
        default: nil
        }
    }

    private mutating func isWorthInspecting(_ limit: Int) -> Bool {
        // KServe v2 has the name in the path, and bodies that are no JSON all through.
        guard family != .v2 else { return false }
        let isAdmin = operation == .admin && pathName.isEmpty
        guard request.method == .post || request.method == .put || isAdmin, request.mayBeJSON else { return false }
        if case .length(let length) = request.framing { return isStrict || length <= UInt64(limit) }
        return request.framing != .none
    }

    /// Passes on once enough is known; otherwise more of the body is waited for.
    private mutating func considerRouting(_ context: inout FlowContext, _ out: inout FlowOutput) {
        guard phase == .body else { return }
        let isTooLarge = requestBody.leastSize > UInt64(context.maxBody)
        if isStrict {
            if let fault = requestBody.jsonFault { return refuse(.malformed(fault), &context, &out) }
            if isTooLarge { return refuse(.tooLarge(context.maxBody), &context, &out) }
        }
        let knowsEnough =
            requestBody.foundModel && inbox.count > (context.room.isBusy ? Self.gatedHold : Self.holdLimit)
        let isForwarded = !requestBody.isInspected && !(isStrict && pathName.isEmpty && isAnsweredHere)
        if requestBody.isComplete || knowsEnough || isForwarded || requestBody.jsonFault != nil || isTooLarge {
            return route(&context, &out)
        }
        deadline = context.deadline(afterMilliseconds: context.timeouts.bodyIdle)
        if request.expectsContinue, !continued {
            continued = true
            out.compose(to: .client) { $0.append("HTTP/1.1 100 Continue\r\n\r\n") }
        }
    }

    /// A body that goes on after its request was passed on.
    private mutating func streamBody(_ bytes: Span<UInt8>, _ context: inout FlowContext, _ out: inout FlowOutput) {
        let end: Int
        do throws(HeadFault) {
            end = try requestBody.advance(bytes, from: 0)
        } catch {
            return refuse(.malformed(error), &context, &out)
        }
        if isStrict, requestBody.leastSize > UInt64(context.maxBody) { return refuse(.tooLarge(context.maxBody), &context, &out) }
        if requestBody.announced == nil || requestBody.isComplete, !mayGrow(&context, &out) { return }
        // A second `model` after the first was acted upon would let the endpoint read another name than the broker did.
        if course == .endpoint, requestBody.jsonFault == .modelRepeated {
            return refuse(.malformed(JSONFault.modelRepeated), &context, &out)
        }
        if course == .endpoint, let fault = keyFault { return refuse(.malformed(fault), &context, &out) }
        if let row { context.ledger[row].bytesIn += UInt64(end) }
        record.bodies.change { $0.prompt.take(bytes, 0..<end) }
        if isReplayable { hold(bytes, 0..<end, &context) }
        if course == .endpoint, !exchange.edit.isEmpty {
            sendEdited(bytes, 0..<end, &out)
        } else {
            forward(.upstream, bytes, 0..<end, &out)
        }
        if end < bytes.count {
            hold(bytes, end..<bytes.count, &context)
            pause(&out)
        }
        if isReplayable { taken += end }
        if phase == .waiting {
            waitForAnswer(&context, &out)
        } else {
            deadline =
                requestBody.isComplete
                ? responseDeadline(context) : context.deadline(afterMilliseconds: context.timeouts.bodyIdle)
        }
    }

    mutating func pause(_ out: inout FlowOutput) {
        guard !clientPaused else { return }
        clientPaused = true
        out.add(.pauseClient)
    }

    mutating func resume(_ out: inout FlowOutput) {
        guard clientPaused else { return }
        clientPaused = false
        out.add(.resumeClient)
    }

    // MARK: - The end of the client's side

    mutating func clientFinished(_ context: inout FlowContext, _ out: inout FlowOutput) {
        clientEnded = true
        switch phase {
        case .sniffing: becomeOpaque(.silent, &context, &out)
        // To an endpoint a request is not sent any more for which nobody waits.
        case .idle, .head, .body, .proving: closeAll(&out)
        case .connecting, .resting, .queued, .waiting, .streaming:
            // To the address dialled a half-close goes on as it would without a broker; to an endpoint it means that
            // nobody waits for the answer any more.
            if course == .dialled {
                if phase != .connecting, requestBody.isComplete { out.add(.shutdownWrite(.upstream)) }
            } else {
                cancel(&context, &out)
            }
        case .tunnel:
            if upstreamEnded { closeAll(&out) } else { out.add(.shutdownWrite(.upstream)) }
        case .draining, .closing: break
        }
    }

    mutating func clientFailed(_ context: inout FlowContext, _ out: inout FlowOutput) {
        switch phase {
        case .connecting, .resting, .queued, .waiting, .streaming: cancel(&context, &out)
        case .tunnel:
            if hasUpstream { out.add(.abort(.upstream)) }
            hasUpstream = false
            closeAll(&out)
        case .draining: break
        default: closeAll(&out)
        }
    }

    /// Nobody waits for the answer: the endpoint is told at once by closing its connection, or half of it.
    private mutating func cancel(_ context: inout FlowContext, _ out: inout FlowOutput) {
        if isWorthDraining { return drain(&context, &out) }
        settle(&context, &out) { $0.ledger[$1].cancelled += 1 }
        closeAll(&out)
    }
}
