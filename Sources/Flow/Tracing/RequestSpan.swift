import Admission
import Catalog
import Control
import HTTPWire
import Routing
import Telemetry

/// The spans of one request in the wire format of OTLP, with the attributes of the OpenTelemetry conventions for generative
/// AI and for HTTP: one of the request as its caller sees it (kind `SERVER`), and below it one of each endpoint's turn (kind
/// `CLIENT`), which is what that endpoint's own spans hang below. Nothing of what was said is in them.
struct RequestSpan {
    private enum Kind {
        static let server: UInt64 = 2
        static let client: UInt64 = 3
    }

    private static let error: UInt64 = 2

    var trace: RequestTrace
    var notes: SpanNotes
    var record: RequestRecord
    var clock: SpanClock
    /// Nanoseconds of the event loop's clock; of the first byte 0: it has not come.
    var start: UInt64 = 0
    var end: UInt64 = 0
    var firstByte: UInt64 = 0
    var operation: StaticString = ""
    /// The name that the request gave.
    var model = ""
    var caller: Caller?
    var client = ""
    var requestID: [UInt8] = []

    init(trace: RequestTrace, notes: SpanNotes, record: RequestRecord, clock: SpanClock) {
        self.trace = trace
        self.notes = notes
        self.record = record
        self.clock = clock
    }

    // MARK: - The request

    func write(to writer: inout ProtobufWriter) {
        writer.message(2) { span in
            writeIdentity(trace.span, parent: trace.caller, Kind.server, model: model, start, end, &span)
            writeRequest(&span)
            writeAnswer(&span)
            if firstByte > 0 {
                span.message(11) {
                    $0.fixed64(1, clock.wall(firstByte))
                    $0.string(2, "first_token")
                }
            }
            writeStatus(isFailed: isFailed, detail: record.rule, &span)
        }
    }

    private func writeRequest(_ span: inout ProtobufWriter) {
        if operation.utf8CodeUnitCount > 0 { span.attribute(9, "gen_ai.operation.name", operation.description) }
        if !model.isEmpty { span.attribute(9, "gen_ai.request.model", model) }
        span.attribute(9, "http.request.method", repairing: notes.method)
        span.attribute(9, "url.path", repairing: notes.path)
        if let caller {
            span.attribute(9, "server.address", caller.dialled.ip.description)
            span.attribute(9, "server.port", integer: Int64(caller.dialled.port))
            span.attribute(9, "client.address", caller.address.ip.description)
            span.attribute(9, "modelbroker.entrance", caller.entrance == .capture ? "capture" : "gateway")
        }
        if !client.isEmpty { span.attribute(9, "modelbroker.client", client) }
        if !record.routed.isEmpty { span.attribute(9, "modelbroker.model", record.routed) }
        if !requestID.isEmpty { span.attribute(9, "modelbroker.request.id", repairing: requestID) }
    }

    private func writeAnswer(_ span: inout ProtobufWriter) {
        if record.status > 0 { span.attribute(9, "http.response.status_code", integer: Int64(record.status)) }
        if record.end == .answered, let last = notes.attempts.last(where: { $0.isWon }) {
            span.attribute(9, "gen_ai.response.model", repairing: last.target.modelName)
        }
        if let use = record.use {
            span.attribute(9, "gen_ai.usage.input_tokens", integer: Int64(clamping: use.input))
            span.attribute(9, "gen_ai.usage.output_tokens", integer: Int64(clamping: use.output))
        }
        if firstByte > 0 {
            span.attribute(9, "modelbroker.time_to_first_token", number: Self.seconds(firstByte - min(start, firstByte)))
        }
        if notes.waited > 0 { span.attribute(9, "modelbroker.queue.wait", number: Self.seconds(notes.waited)) }
        span.attribute(9, "modelbroker.attempts", integer: Int64(record.attempts))
        if let fault { span.attribute(9, "error.type", fault) }
    }

    /// What went wrong, in one word.
    private var fault: String? {
        switch record.end {
        case .refused, .failed: record.rule.isEmpty ? "\(record.status)" : record.rule
        case .broken: "broken"
        case .cancelled: "cancelled"
        case .answered, .relayed: record.status >= 400 ? "\(record.status)" : nil
        }
    }

    /// Of a span on the server's side, what its caller did wrong is no error.
    private var isFailed: Bool { record.end == .broken || record.end == .failed || record.status >= 500 }

    // MARK: - An endpoint's turn

    func writeAttempt(_ number: Int, to writer: inout ProtobufWriter) {
        let attempt = notes.attempts[number]
        let model = Self.text(attempt.target.modelName)
        writer.message(2) { span in
            let end = attempt.end == 0 ? self.end : attempt.end
            writeIdentity(attempt.span, parent: trace.span, Kind.client, model: model, attempt.start, end, &span)
            if operation.utf8CodeUnitCount > 0 { span.attribute(9, "gen_ai.operation.name", operation.description) }
            if !model.isEmpty { span.attribute(9, "gen_ai.request.model", model) }
            span.attribute(9, "http.request.method", repairing: notes.method)
            span.attribute(9, "server.address", attempt.target.address.ip.description)
            span.attribute(9, "server.port", integer: Int64(attempt.target.address.port))
            span.attribute(9, "modelbroker.endpoint", attempt.target.url)
            if number > 0 { span.attribute(9, "http.request.resend_count", integer: Int64(number)) }
            if attempt.isHedge { span.attribute(9, "modelbroker.hedge", truth: true) }
            if let status = status(attempt) { span.attribute(9, "http.response.status_code", integer: Int64(status)) }
            if let fault = attempt.fault { span.attribute(9, "error.type", fault) }
            writeStatus(isFailed: attempt.fault != nil && attempt.outcome != .cancelled, detail: "", &span)
        }
    }

    private func status(_ attempt: SpanNotes.Attempt) -> UInt16? {
        switch attempt.outcome {
        case .success: record.status
        case .status(let status, _, _): status
        case .connectFailed, .noAnswer, .timedOut, .brokenStream, .cancelled: nil
        }
    }

    // MARK: - Parts

    private func writeIdentity(
        _ id: UInt64, parent: UInt64, _ kind: UInt64, model: String, _ start: UInt64, _ end: UInt64,
        _ span: inout ProtobufWriter
    ) {
        span.bytes(1, bigEndian: trace.high, trace.low)
        span.bytes(2, bigEndian: id)
        if !notes.state.isEmpty { span.string(3, repairing: notes.state) }
        if parent != 0 { span.bytes(4, bigEndian: parent) }
        let name = operation.utf8CodeUnitCount > 0 ? operation.description : Self.text(notes.method)
        span.string(5, model.isEmpty ? name : "\(name) \(model)")
        span.varint(6, kind)
        span.fixed64(7, clock.wall(start))
        span.fixed64(8, clock.wall(max(start, end)))
    }

    private func writeStatus(isFailed: Bool, detail: String, _ span: inout ProtobufWriter) {
        guard isFailed else { return }
        span.message(15) {
            if !detail.isEmpty { $0.string(2, detail) }
            $0.varint(3, Self.error)
        }
    }

    private static func text(_ bytes: [UInt8]) -> String { String(decoding: bytes, as: UTF8.self) }

    private static func seconds(_ nanoseconds: UInt64) -> Double { Double(nanoseconds) / 1_000_000_000 }
}

extension SpanNotes.Attempt {
    /// Its answer is the one that the caller got.
    fileprivate var isWon: Bool {
        switch outcome {
        case .success, .status: true
        case .connectFailed, .noAnswer, .timedOut, .brokenStream, .cancelled: false
        }
    }

    fileprivate var fault: String? {
        switch outcome {
        case .success: nil
        case .status(let status, _, _): "\(status)"
        case .connectFailed: "connect"
        case .noAnswer: "no_answer"
        case .timedOut: "timeout"
        case .brokenStream: "broken"
        case .cancelled: "cancelled"
        }
    }
}
