import Catalog
import Control
import HTTPWire
import Identity

/// One decision as it is written down: a JSON object on a line of its own, its members always in the same order, those left
/// out that do not apply. Nothing of what was said is in it but where `prompt` and `answer` are given.
struct AuditLine: Sendable {
    /// How a request came to its end.
    enum End: UInt8, Sendable { case answered, refused, failed, cancelled, broken, relayed }

    /// Milliseconds since 1970 at which the request's head was whole.
    var time: Int64
    var id: RequestID?
    var entrance: FlowRecord.Entrance
    var client = ""
    var proof = Proof.none
    var key = ""
    var cgroup: UInt64 = 0
    var pid: UInt32 = 0
    var address: SocketAddress
    var operation: Operation?
    /// The members of method, path and model, composed when they were read.
    var asked: [UInt8] = []
    /// The model that was charged.
    var routed = ""
    /// Where it went: an endpoint's URL, or the address dialled.
    var endpoint = ""
    var dialled: SocketAddress?
    var end: End
    /// The code of a refusal, the name of the rule that refused.
    var rule = ""
    /// 0: no answer has begun.
    var status = 0
    var use: (input: UInt64, output: UInt64)?
    /// Millionths of the currency.
    var cost: UInt64?
    /// Nanoseconds.
    var firstByte: UInt64?
    var total: UInt64 = 0
    var bytesIn: UInt64 = 0
    var bytesOut: UInt64 = 0
    var attempts = 0
    /// Redacted.
    var prompt: [UInt8]?
    var answer: [UInt8]?

    /// Appends the line with its end.
    func append(to bytes: inout [UInt8]) {
        bytes.append("{\"time\":\"")
        AuditText.append(time: time, to: &bytes)
        bytes.append("\"")
        if let id {
            bytes.append(",\"id\":\"")
            id.appendValue(to: &bytes)
            bytes.append("\"")
        }
        bytes.append(",\"layer\":\"proxy\",\"entrance\":")
        bytes.append(entrance == .capture ? "\"capture\"" : "\"gateway\"")
        appendCaller(to: &bytes)
        if let operation { Self.append("operation", operation.text, to: &bytes) }
        bytes.append(contentsOf: asked)
        Self.append("routed", routed, to: &bytes)
        Self.append("endpoint", endpoint, to: &bytes)
        if let dialled, endpoint.isEmpty { Self.append("endpoint", dialled, to: &bytes) }
        appendOutcome(to: &bytes)
        if let prompt { Self.append("prompt", prompt.span, to: &bytes) }
        if let answer { Self.append("answer", answer.span, to: &bytes) }
        bytes.append("}\n")
    }

    private func appendCaller(to bytes: inout [UInt8]) {
        Self.append("client", client, to: &bytes)
        Self.append("auth", proof.text, to: &bytes)
        Self.append("key", key, to: &bytes)
        if cgroup != 0 {
            bytes.append(",\"workload\":\"")
            bytes.append(decimal: cgroup)
            bytes.append("\"")
        }
        if pid != 0 { Self.append("pid", UInt64(pid), to: &bytes) }
        Self.append("address", address, to: &bytes)
    }

    private func appendOutcome(to bytes: inout [UInt8]) {
        Self.append("decision", end == .refused ? "deny" : "allow", to: &bytes)
        Self.append("rule", rule, to: &bytes)
        Self.append("end", end.text, to: &bytes)
        if status != 0 { Self.append("status", UInt64(status), to: &bytes) }
        if let use {
            Self.append("input_tokens", use.input, to: &bytes)
            Self.append("output_tokens", use.output, to: &bytes)
        }
        if let cost {
            Self.name("cost", to: &bytes)
            AuditText.append(millionths: cost, to: &bytes)
        }
        if let firstByte {
            Self.name("first_byte_ms", to: &bytes)
            AuditText.append(thousandths: firstByte / 1000, to: &bytes)
        }
        Self.name("total_ms", to: &bytes)
        AuditText.append(thousandths: total / 1000, to: &bytes)
        Self.append("bytes_in", bytesIn, to: &bytes)
        Self.append("bytes_out", bytesOut, to: &bytes)
        if attempts > 0 { Self.append("attempts", UInt64(attempts), to: &bytes) }
    }

    // MARK: - Members

    private static func name(_ name: StaticString, to bytes: inout [UInt8]) {
        bytes.append(",\"")
        bytes.append(name)
        bytes.append("\":")
    }

    private static func append(_ name: StaticString, _ number: UInt64, to bytes: inout [UInt8]) {
        Self.name(name, to: &bytes)
        bytes.append(decimal: number)
    }

    private static func append(_ name: StaticString, _ address: SocketAddress, to bytes: inout [UInt8]) {
        Self.name(name, to: &bytes)
        bytes.append("\"")
        AuditText.append(address, to: &bytes)
        bytes.append("\"")
    }

    /// An empty text is left out.
    private static func append(_ name: StaticString, _ text: String, to bytes: inout [UInt8]) {
        if !text.isEmpty { append(name, text.utf8Span.span, to: &bytes) }
    }

    static func append(_ name: StaticString, _ text: Span<UInt8>, to bytes: inout [UInt8]) {
        Self.name(name, to: &bytes)
        bytes.append("\"")
        AuditText.append(text, to: &bytes)
        bytes.append("\"")
    }
}

extension AuditLine.End {
    fileprivate var text: String {
        switch self {
        case .answered: "answered"
        case .refused: "refused"
        case .failed: "failed"
        case .cancelled: "cancelled"
        case .broken: "broken"
        case .relayed: "relayed"
        }
    }
}
