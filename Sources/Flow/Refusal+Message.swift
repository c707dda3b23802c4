import Admission
import Catalog

extension Refusal {
    /// What the caller is told in words; of limits, which refuse often, it is made only where it is written to.
    enum Message: Sendable {
        case text(String)
        /// A limit has been reached; of a rate, there is room again `retry` nanoseconds later.
        case limited(Holder, Denial, retry: UInt64)
    }
}

extension Refusal.Message: ExpressibleByStringInterpolation {
    init(stringLiteral text: String) { self = .text(text) }
}

extension Refusal.Message: CustomStringConvertible {
    var description: String {
        if case .text(let text) = self { return text }
        var bytes: [UInt8] = []
        appendLimit(to: &bytes) { $1.append(contentsOf: $0.utf8) }
        return String(decoding: bytes, as: UTF8.self)
    }

    /// Appends it as the inside of a JSON string.
    func append(to bytes: inout [UInt8]) {
        if case .text(let text) = self { return JSONText.append(escaping: text, to: &bytes) }
        appendLimit(to: &bytes) { JSONText.append(escaping: $0, to: &$1) }
    }

    private func appendLimit(to bytes: inout [UInt8], _ name: (String, inout [UInt8]) -> Void) {
        guard case .limited(let holder, let denial, let retry) = self else { return }
        append(holder, to: &bytes, name)
        switch denial.kind {
        case .quota(let period, let unit): append(period, unit, denial.resets, to: &bytes)
        case .sessionLifetime: bytes.append(" has had all the requests that it may make.")
        default:
            bytes.append(denial.isNever ? " has reached a limit of zero on " : " has reached its limit on ")
            bytes.append(Self.units(denial.kind))
            bytes.append(". Try again in ")
            bytes.write(4 * LineWriter.numberSize) { LimitFields.write(duration: retry, &$0) }
            bytes.append(".")
        }
    }

    /// `The client 'checkout' on the model 'llama'`; nothing else in it needs escaping.
    private func append(_ holder: Refusal.Holder, to bytes: inout [UInt8], _ name: (String, inout [UInt8]) -> Void) {
        switch holder.subject {
        case .session: return bytes.append("This session")
        case .address: return bytes.append("This address")
        case .client, .pair:
            bytes.append("The client '")
            name(holder.client, &bytes)
            guard holder.subject == .pair else { return bytes.append("'") }
            bytes.append("' on the model '")
        case .model: bytes.append("The model '")
        }
        name(holder.model, &bytes)
        bytes.append("'")
    }

    private static func units(_ kind: Denial.Kind) -> StaticString {
        switch kind {
        case .tokens: "tokens"
        case .inputTokens: "input tokens"
        case .outputTokens: "output tokens"
        case .concurrency: "requests under way"
        default: "requests"
        }
    }

    private func append(_ period: Quota.Period, _ unit: Quota.Unit, _ resets: Int64?, to bytes: inout [UInt8]) {
        bytes.append(" has used up its quota of ")
        switch unit {
        case .requests: bytes.append("requests")
        case .tokens: bytes.append("tokens")
        case .cost: bytes.append("cost")
        }
        bytes.append(period == .day ? " for the day" : " for the month")
        if let resets {
            bytes.append("; the next one begins at ")
            bytes.write(32) { $0.add(time: resets * 1000) }
        }
        bytes.append(".")
    }
}
