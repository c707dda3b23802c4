import Admission
import Catalog

/// Requests that are more than is allowed.
extension Refusal {
    /// Whose limit refuses, by name.
    struct Holder: Sendable {
        var subject: Denial.Subject
        var client = ""
        var model = ""
    }

    /// - Parameter levels: of the limits that apply.
    static func limited(_ holder: Holder, _ denial: Denial, _ levels: LimitLevels) -> Refusal {
        switch denial.kind {
        case .requests: rate(holder, denial, levels, "requests", .requests)
        case .tokens, .inputTokens, .outputTokens: rate(holder, denial, levels, "tokens", .tokens)
        case .concurrency: rate(holder, denial, levels, "requests", .concurrency, code: "concurrency_limit_exceeded")
        case .quota, .sessionLifetime: quota(holder, denial, levels)
        case .suspended:
            Refusal(
                status: 503, type: "service_unavailable_error", code: "accounting_unavailable",
                message: "What requests use can't be written down now, so none that a quota governs is let in.", retryAfter: 5,
                kind: .quota)
        }
    }

    private static func rate(
        _ holder: Holder, _ denial: Denial, _ levels: LimitLevels, _ type: StaticString, _ kind: Kind,
        code: StaticString = "rate_limit_exceeded"
    ) -> Refusal {
        let retry = min(max(denial.retry, 1), Denial.longestRetry)
        return Refusal(
            status: 429, type: type, code: code, message: .limited(holder, denial, retry: retry),
            retryAfter: Int((retry + 999_999_999) / 1_000_000_000), retryAfterMilliseconds: Int((retry + 999_999) / 1_000_000),
            levels: levels, kind: kind)
    }

    private static func quota(_ holder: Holder, _ denial: Denial, _ levels: LimitLevels) -> Refusal {
        Refusal(
            status: 429, type: "insufficient_quota", code: "insufficient_quota", message: .limited(holder, denial, retry: 0),
            isFinal: true, levels: levels, kind: .quota)
    }

    /// - Parameter model: what the caller calls it.
    static func excessive(_ fault: RequestFault, _ model: String) -> Refusal {
        switch fault {
        case .bodyTooLarge(let limit): return tooLarge(limit)
        case .tokensPerRequest(let limit):
            return invalid(
                400, "The request asks for more than the \(limit) tokens that one request may use.",
                code: "max_tokens_exceeded", param: "max_tokens")
        case .contextTooLong(let limit):
            return invalid(
                400, "The model '\(model)' has a context of \(limit) tokens, and prompt and answer would be longer.",
                code: "context_length_exceeded", param: "messages")
        }
    }

    static func tooLarge(_ limit: some BinaryInteger) -> Refusal {
        invalid(413, "The request body is larger than \(String(limit)) bytes.", code: "request_too_large")
    }
}
