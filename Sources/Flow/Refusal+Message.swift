import Admission

extension Refusal {
    /// What the caller is told in words; of limits, which refuse often, it is made only where it is written to.
    enum Message: Sendable {
        case text(String)
        /// The model has reached its limit, and `retry` nanoseconds later there is room again.
        case limited(String, LimitKind, isZero: Bool, retry: UInt64)
    }
}

extension Refusal.Message: ExpressibleByStringInterpolation {
    init(stringLiteral text: String) { self = .text(text) }
}

extension Refusal.Message: CustomStringConvertible {
    var limit: LimitKind? {
        guard case .limited(_, let kind, _, _) = self else { return nil }
        return kind
    }

    var description: String {
        switch self {
        case .text(let text): text
        case .limited(let model, let kind, let isZero, let retry):
            "The model '\(model)'\(Self.reached(kind, isZero))\(LimitFields.text(retry))."
        }
    }

    /// Appends it as the inside of a JSON string.
    func append(to bytes: inout [UInt8]) {
        switch self {
        case .text(let text): JSONText.append(escaping: text, to: &bytes)
        case .limited(let model, let kind, let isZero, let retry):
            bytes.append("The model '")
            JSONText.append(escaping: model, to: &bytes)
            bytes.append("'")
            bytes.append(Self.reached(kind, isZero))
            LimitFields.append(duration: retry, to: &bytes)
            bytes.append(".")
        }
    }

    /// Nothing in it needs escaping.
    private static func reached(_ kind: LimitKind, _ isZero: Bool) -> StaticString {
        switch (kind, isZero) {
        case (.requests, false): " has reached its limit on requests. Try again in "
        case (.requests, true): " has reached a limit of zero on requests. Try again in "
        case (.tokens, false): " has reached its limit on tokens. Try again in "
        case (.tokens, true): " has reached a limit of zero on tokens. Try again in "
        }
    }
}
