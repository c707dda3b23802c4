import Catalog
import Control
import HTTPWire
import Routing
import Telemetry

/// What is passed on of the trace that a request belongs to, and told of it. Nothing here happens where no traces are wanted.
extension Flow {
    /// Reads the trace that the request belongs to, or begins one. A head with more lines to leave out than can be goes on as
    /// it is.
    mutating func beginTrace(_ bytes: Span<UInt8>, _ context: inout FlowContext) {
        guard let fields = try? request.dropTrace(in: bytes) else { return }
        record.trace.begin(fields.parent, context.sampler) { context.nextRequestID() }
        guard record.trace.isSampled else { return }
        record.beginNotes(bytesOut: bytesOut, time: context.epochMilliseconds)
        var notes = SpanNotes()
        let path = PlainPath.range(bytes, request.target.range)
        notes.method.append(bytes, request.methodName.range)
        notes.path.append(bytes, path.prefix(SpanNotes.textLimit))
        notes.state.append(bytes, fields.state.range.prefix(SpanNotes.textLimit))
        record.span.set(notes)
    }

    /// What an endpoint is told of the trace.
    func traceParent(isHedge: Bool = false) -> TraceParent? {
        guard record.trace.isOn else { return nil }
        guard record.trace.isSampled, let span = record.span.value?.span(isHedge: isHedge) else {
            return record.trace.parent(record.trace.span)
        }
        return record.trace.parent(span)
    }

    // MARK: - What happens to a sampled request

    mutating func noteAttempt(_ target: Target, isHedge: Bool, now: UInt64) {
        let trace = record.trace
        _ = record.span.change { $0.begin(trace.attempt($0.attempts.count + 1), target, isHedge: isHedge, now: now) }
    }

    mutating func noteAttemptEnd(_ outcome: Outcome, isHedge: Bool, now: UInt64) {
        _ = record.span.change { $0.end(isHedge: isHedge, outcome, now: now) }
    }

    mutating func noteHedgeWon() { _ = record.span.change { $0.promote() } }

    mutating func noteQueue(now: UInt64) { _ = record.span.change { $0.enterQueue(now) } }

    // MARK: - The end

    /// Makes the spans of a request that has come to its end.
    mutating func addSpans(_ context: inout FlowContext) {
        record.trace.isSampled = false
        guard var notes = record.span.value else { return }
        record.span.remove()
        notes.leaveQueue(context.now)
        let clock = SpanClock(now: context.now, epochMilliseconds: context.epochMilliseconds)
        var span = RequestSpan(trace: record.trace, notes: notes, record: record, clock: clock)
        span.start = requestStart
        span.end = context.now
        span.firstByte = exchange.firstByteAt > requestStart ? exchange.firstByteAt : 0
        span.operation = GenAIOperation.name(operation, notes.path.span)
        span.model = hasName ? givenName : caller.model
        span.caller = caller
        span.client = client
        span.requestID.write(RequestID.escapedSize(requestID)) { requestID.writeValue(&$0) }
        for number in notes.attempts.indices { context.spans.add { span.writeAttempt(number, to: &$0) } }
        context.spans.add { span.write(to: &$0) }
    }
}

extension RequestID {
    fileprivate static func escapedSize(_ id: RequestID) -> Int { LineWriter.escapedSize * id.valueSize }
}

/// Times of the event loop's clock as the wall clock has them.
struct SpanClock: Sendable {
    var now: UInt64
    var epochMilliseconds: Int64

    /// Nanoseconds since 1970.
    func wall(_ time: UInt64) -> UInt64 {
        UInt64(max(0, epochMilliseconds)) &* 1_000_000 &- (now - min(now, time))
    }
}

/// What the conventions for generative AI call an operation.
enum GenAIOperation {
    /// Empty: it is none of theirs.
    static func name(_ operation: Operation, _ path: Span<UInt8>) -> StaticString {
        switch operation {
        case .chat:
            let isPlain = path.starts(0..<path.count, "/v1/completions") || path.starts(0..<path.count, "/api/generate")
            return isPlain ? "text_completion" : "chat"
        case .embeddings: return "embeddings"
        case .list, .other, .admin: return ""
        }
    }
}
