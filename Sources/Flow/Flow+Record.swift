import Admission
import Catalog
import Control
import HTTPWire
import Identity
import Routing
import Telemetry

/// What is kept of each request, and said of it when it has come to its end: once, however it came to it.
extension Flow {
    /// A request has begun.
    mutating func beginRecord(_ context: inout FlowContext) {
        record.begin(audited: context.audit.isOn, bytesOut: bytesOut, time: context.epochMilliseconds)
        identity.isKnown = false
        identity.token = nil
        identity.proof = .none
        client = caller.client
        if !watched.isEmpty { watched.remove() }
    }

    /// Takes down the method and the path: the inbox may have let go of them when they are needed.
    mutating func noteAsked(_ bytes: Span<UInt8>) {
        AuditLine.append(#","method":""#, bytes.extracting(request.methodName.range), to: &record.asked)
        AuditLine.append(#","path":""#, bytes.extracting(PlainPath.range(bytes, request.target.range)), to: &record.asked)
    }

    mutating func noteEndpoint(_ address: SocketAddress) {
        if course == .endpoint, let target = exchange.target { record.endpoint = target.url } else { record.dialled = address }
    }

    /// Keeps the beginning of the request's body, if that is wanted.
    mutating func keepPrompt(_ context: FlowContext) {
        guard context.audit.captured > 0, record.bodies.isEmpty else { return }
        var prompt = BodyCapture(request.framing, limit: context.audit.captured)
        let held = inbox
        prompt.take(held.span, request.size..<max(taken, request.size))
        record.bodies.set(RequestRecord.Bodies(prompt: prompt))
    }

    /// Keeps the beginning of an answer's body from here on; what is encoded can't be read.
    mutating func keepAnswer(_ head: ResponseHead, _ context: FlowContext) {
        guard !record.bodies.isEmpty else { return }
        let answer = head.isEncoded ? nil : BodyCapture(answerBody.framing, limit: context.audit.captured)
        record.bodies.change { $0.answer = answer }
    }

    /// Takes the request's end down if it has come to it, and nothing follows on the connection.
    mutating func conclude(_ context: inout FlowContext) {
        guard record.isOpen, phase == .closing || phase == .tunnel else { return }
        endRecord(&context)
    }

    /// The request has come to its end.
    mutating func endRecord(_ context: inout FlowContext) {
        guard record.isOpen else { return }
        record.isOpen = false
        endCheck(&context)
        if record.clientRow >= 0 { context.ledger[client: record.clientRow].active -= 1 }
        if record.trace.isSampled { addSpans(&context) }
        guard record.isAudited else { return }
        if hasName, !record.asked.isEmpty { noteModel() }
        let pod = context.pods.isEmpty ? nil : context.pods[caller.cgroup]
        context.audit.add(line(pod, now: context.now))
        record.bodies.remove()
    }

    private mutating func noteModel() {
        var asked: [UInt8] = []
        swap(&asked, &record.asked)
        withName { AuditLine.append(#","model":""#, $0, to: &asked) }
        swap(&asked, &record.asked)
    }

    private mutating func line(_ pod: PodName?, now: UInt64) -> AuditLine {
        let hasHead = !record.asked.isEmpty
        var line = AuditLine(
            time: record.time, entrance: caller.entrance, address: caller.address, operation: hasHead ? operation : nil,
            asked: record.asked, routed: record.routed, endpoint: record.endpoint, dialled: record.dialled, end: record.end,
            rule: record.rule, status: Int(record.status))
        if hasHead { line.id = requestID }
        line.pod = pod
        describeCaller(&line)
        describeCourse(&line, now: now)
        if let bodies = record.bodies.value {
            line.prompt = Redaction.apply(bodies.prompt.bytes, isCut: bodies.prompt.isCut)
            line.answer = bodies.answer.map { Redaction.apply($0.bytes, isCut: $0.isCut) }
        }
        return line
    }

    private mutating func describeCaller(_ line: inout AuditLine) {
        line.client = client
        line.proof = identity.proof
        if !identity.isKnown, !client.isEmpty { line.proof = .workload }
        line.key = record.key
        (line.cgroup, line.pid) = (caller.cgroup, caller.pid)
    }

    private mutating func describeCourse(_ line: inout AuditLine, now: UInt64) {
        line.bytesOut = bytesOut - record.bytesOut
        line.attempts = Int(record.attempts)
        line.use = record.use.map { ($0.input, $0.output) }
        if record.cost > 0 { line.cost = record.cost }
        guard !record.asked.isEmpty else { return line.bytesIn = UInt64(inbox.count) }
        line.bytesIn = UInt64(request.size) + requestBody.size
        line.total = now - min(requestStart, now)
        if exchange.firstByteAt > requestStart { line.firstByte = exchange.firstByteAt - requestStart }
    }
}
