import Catalog
import Control
import HTTPWire
import Identity
import Routing
import Telemetry

/// What the broker answers itself.
extension Flow {
    /// Refuses the request; the connection stays only where the request was read to its end.
    mutating func refuse(_ refusal: Refusal, _ context: inout FlowContext, _ out: inout FlowOutput) {
        if answerStarted, phase == .streaming { return breakAnswer(refusal.message.description, &context, &out) }
        let hasHead = phase != .head && phase != .idle && request.size > 0
        let persists = hasHead && requestBody.isComplete && request.keepAlive
        restLegs(&context, &out)
        dropUpstream(reusable: false, &out)
        course = .none
        if let row { context.ledger[row].count(status: refusal.status) } else { context.ledger.totals.refused += 1 }
        let key = RefusalReports.Key(
            row: row ?? -1, status: refusal.status, isForTokens: refusal.isForTokens, client: caller.clientNumber)
        settle(&context)
        context.refusals.add(key, now: context.now, to: &out.events) {
            event(.refused, "\(refusal.status) \(refusal.message)", reason: refusal.reason.description)
        }
        var body: [UInt8] = []
        swap(&body, &out.scratch)
        body.removeAll(keepingCapacity: true)
        refusal.appendBody(to: &body, isKServe: hasHead && isKServe)
        respond(refusal.status, body, persists: persists, hasHead: hasHead, &context, &out) {
            if let allow = refusal.allow {
                $0.append("Allow: ")
                $0.append(allow)
                $0.append("\r\n")
            }
            if let seconds = refusal.retryAfter {
                $0.append("Retry-After: ")
                $0.append(decimal: seconds)
                $0.append("\r\n")
            }
            if let milliseconds = refusal.retryAfterMilliseconds {
                $0.append("retry-after-ms: ")
                $0.append(decimal: milliseconds)
                $0.append("\r\n")
            }
            LimitFields.append(refusal.levels, to: &$0)
        }
        swap(&body, &out.scratch)
    }

    /// A strictly governed request that names no model.
    mutating func answerHere(_ context: inout FlowContext, _ out: inout FlowOutput) {
        let method = Self.text(inbox.span.extracting(request.methodName.range))
        let path = RequestPath(inbox.span, request.target.range)
        switch path {
        case .models(let name):
            guard request.method == .get || request.method == .head else {
                return refuse(.methodNotAllowed(method, allow: "GET"), &context, &out)
            }
            answerModels(name, &context, &out)
        case .inference:
            guard request.method == .post else { return refuse(.methodNotAllowed(method, allow: "POST"), &context, &out) }
            refuse(request.mayBeJSON ? .modelMissing : .notJSON, &context, &out)
        case .other(let text): refuse(.urlUnknown(method, text), &context, &out)
        }
    }

    private mutating func answerModels(_ name: String?, _ context: inout FlowContext, _ out: inout FlowOutput) {
        var body: [UInt8] = []
        if let name {
            let utf8 = Array(name.utf8)
            guard let model = context.routes.model(named: utf8.span), context.access.mayCall(model, client: caller.client) else {
                return refuse(.modelUnknown(name), &context, &out)
            }
            ModelsList.appendModel(name, created: context.epochSeconds, to: &body)
        } else {
            let (access, client) = (context.access, caller.client)
            ModelsList.append(context.routes, created: context.epochSeconds, to: &body) { access.mayCall($0, client: client) }
        }
        let persists = requestBody.isComplete && request.keepAlive
        respond(200, body, persists: persists, hasHead: true, &context, &out) { _ in }
    }

    private mutating func respond(
        _ status: Int, _ body: [UInt8], persists: Bool, hasHead: Bool, _ context: inout FlowContext,
        _ out: inout FlowOutput, fields: (inout [UInt8]) -> Void
    ) {
        let start = out.composed.count
        out.composed.append("HTTP/1.1 ")
        out.composed.append(decimal: status)
        out.composed.append(" ")
        out.composed.append(Refusal.reason(status))
        out.composed.append("\r\nContent-Type: application/json\r\nContent-Length: ")
        out.composed.append(decimal: body.count)
        out.composed.append("\r\n")
        if hasHead { requestID.appendField(to: &out.composed) }
        fields(&out.composed)
        let persistence: HeadComposer.Persistence = persists ? (request.isHTTP11 ? .keepAlive : .keepAliveHTTP10) : .close
        HeadComposer.appendPersistence(persistence, into: &out.composed)
        out.composed.append("\r\n")
        if !hasHead || request.method != .head { out.composed.append(contentsOf: body) }
        bytesOut += UInt64(out.composed.count - start)
        out.add(.write(.client, Slice(.composed, start..<out.composed.count)))
        if persists { nextRequest(&context, &out) } else { closeAll(&out) }
    }
}

/// The paths that the broker itself knows.
enum RequestPath {
    /// The list, or one model of it.
    case models(String?)
    /// A path to which clients POST a request for a model.
    case inference
    case other(String)

    init(_ bytes: Span<UInt8>, _ target: Range<Int>) {
        var end = target.lowerBound
        while end < target.upperBound, bytes[end] != 0x3F { end += 1 }
        let path = target.lowerBound..<end
        let list: StaticString = "/v1/models"
        if bytes.equals(path, list) || bytes.equals(path, "/v1/models/") {
            self = .models(nil)
        } else if path.count > 11, bytes.equals(path.lowerBound..<path.lowerBound + 11, "/v1/models/") {
            self = .models(Self.decoded(bytes, path.lowerBound + 11..<end))
        } else if path.count > 4, bytes.equals(path.lowerBound..<path.lowerBound + 4, "/v1/") {
            self = .inference
        } else {
            self = .other(String(decoding: path.prefix(200).map { bytes[$0] }, as: UTF8.self))
        }
    }

    /// Resolves %XX: clients encode the slashes in a model's name.
    private static func decoded(_ bytes: Span<UInt8>, _ range: Range<Int>) -> String {
        var result: [UInt8] = []
        var index = range.lowerBound
        while index < range.upperBound {
            if bytes[index] == 0x25, index + 2 < range.upperBound, let high = hex(bytes[index + 1]),
                let low = hex(bytes[index + 2])
            {
                result.append(high << 4 | low)
                index += 3
            } else {
                result.append(bytes[index])
                index += 1
            }
        }
        return String(decoding: result, as: UTF8.self)
    }

    private static func hex(_ byte: UInt8) -> UInt8? {
        Character(Unicode.Scalar(byte)).hexDigitValue.map(UInt8.init)
    }
}
