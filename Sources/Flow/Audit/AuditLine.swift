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
    /// nil: the caller is in none that is known.
    var pod: PodName?
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

    /// Bytes of the names of all members, and of the values that are no text of callers or of the configuration.
    private static let fixedSize = 576 + 2 * LineWriter.addressSize + 16 * LineWriter.numberSize

    /// Appends the line with its end.
    func append(to bytes: inout [UInt8]) {
        let texts = client.utf8.count + key.utf8.count + routed.utf8.count + endpoint.utf8.count + rule.utf8.count
        let podSize = pod.map { $0.name.utf8.count + $0.serviceAccount.utf8.count } ?? 0
        let size = Self.fixedSize + asked.count + LineWriter.escapedSize * (texts + podSize + (id?.valueSize ?? 0))
        bytes.write(size) { line in
            line.add(#"{"time":""#)
            line.add(time: time)
            line.add("\"")
            if let id {
                line.add(#","id":""#)
                id.writeValue(&line)
                line.add("\"")
            }
            line.add(entrance == .capture ? Self.captured : Self.addressed)
            writeCaller(&line)
            writeCourse(&line)
            writeOutcome(&line)
        }
        if let prompt { Self.append(#","prompt":""#, prompt.span, to: &bytes) }
        if let answer { Self.append(#","answer":""#, answer.span, to: &bytes) }
        bytes.append("}\n")
    }

    private static let captured: StaticString = #","layer":"proxy","entrance":"capture""#
    private static let addressed: StaticString = #","layer":"proxy","entrance":"gateway""#

    private func writeCaller(_ line: inout LineWriter) {
        Self.write(#","client":""#, client, &line)
        Self.write(#","auth":""#, proof.text, &line)
        Self.write(#","key":""#, key, &line)
        if cgroup != 0 {
            line.add(#","workload":""#)
            line.add(decimal: cgroup)
            line.add("\"")
        }
        if let pod {
            Self.write(#","pod":""#, pod.name, &line)
            Self.write(#","service_account":""#, pod.serviceAccount, &line)
        }
        if pid != 0 { Self.write(#","pid":"#, UInt64(pid), &line) }
        line.add(#","address":""#)
        line.add(address)
        line.add("\"")
    }

    private func writeCourse(_ line: inout LineWriter) {
        if let operation { Self.write(#","operation":""#, operation.text, &line) }
        line.add(asked.span)
        Self.write(#","routed":""#, routed, &line)
        Self.write(#","endpoint":""#, endpoint, &line)
        if let dialled, endpoint.isEmpty {
            line.add(#","endpoint":""#)
            line.add(dialled)
            line.add("\"")
        }
    }

    private func writeOutcome(_ line: inout LineWriter) {
        line.add(end == .refused ? #","decision":"deny""# : #","decision":"allow""#)
        Self.write(#","rule":""#, rule, &line)
        line.add(#","end":""#)
        line.add(end.text)
        line.add("\"")
        if status != 0 { Self.write(#","status":"#, UInt64(status), &line) }
        if let use {
            Self.write(#","input_tokens":"#, use.input, &line)
            Self.write(#","output_tokens":"#, use.output, &line)
        }
        if let cost {
            line.add(#","cost":"#)
            line.add(millionths: cost)
        }
        if let firstByte {
            line.add(#","first_byte_ms":"#)
            line.add(thousandths: firstByte / 1000)
        }
        line.add(#","total_ms":"#)
        line.add(thousandths: total / 1000)
        Self.write(#","bytes_in":"#, bytesIn, &line)
        Self.write(#","bytes_out":"#, bytesOut, &line)
        if attempts > 0 { Self.write(#","attempts":"#, UInt64(attempts), &line) }
    }

    // MARK: - Members: a name comes with the comma before it, and the quote of its value

    @inline(__always) private static func write(_ name: StaticString, _ number: UInt64, _ line: inout LineWriter) {
        line.add(name)
        line.add(decimal: number)
    }

    /// An empty text is left out.
    @inline(__always) private static func write(_ name: StaticString, _ text: String, _ line: inout LineWriter) {
        if text.isEmpty { return }
        line.add(name)
        line.add(json: text)
        line.add("\"")
    }

    static func append(_ name: StaticString, _ text: Span<UInt8>, to bytes: inout [UInt8]) {
        bytes.write(name.utf8CodeUnitCount + LineWriter.escapedSize * text.count + 1) { line in
            line.add(name)
            line.add(json: text)
            line.add("\"")
        }
    }
}

extension AuditLine.End {
    fileprivate var text: StaticString {
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
