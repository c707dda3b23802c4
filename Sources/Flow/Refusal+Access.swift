import Identity

/// Who is not believed, and who may not do what they ask for.
extension Refusal {
    /// A caller that proves nothing, or not what it claims (401).
    static func unauthenticated(_ fault: IdentityFault) -> Refusal {
        var refusal = invalid(401, Message.text(text(of: fault)), code: fault.isOfToken ? "invalid_token" : "invalid_api_key")
        refusal.challenge = fault == .missing ? "Bearer" : "Bearer error=\"invalid_token\""
        refusal.kind = .identity
        return refusal
    }

    private static func text(of fault: IdentityFault) -> String {
        switch fault {
        case .missing:
            "You must provide an API key, as `Authorization: Bearer`, `api-key` or `x-api-key`, or prove who you are otherwise."
        case .unknownCredential: "Incorrect API key provided."
        case .differentCredentials: "The request bears several credentials, and they differ."
        case .keyExpired: "The API key has expired."
        case .keyEarly: "The API key is not in force yet."
        case .token(let fault): "The token is not accepted: \(text(of: fault))."
        }
    }

    private static func text(of fault: TokenFault) -> String {
        switch fault {
        case .malformed: "it is malformed"
        case .expired: "it has expired"
        case .early: "it is not in force yet"
        case .audience: "it is meant for somebody else"
        case .signature: "its signature is wrong"
        case .algorithm: "its issuer does not sign with that algorithm"
        case .unknownIssuer: "its issuer is unknown"
        case .unknownClient: "it is no client's"
        case .noKeys: "its issuer's keys are not known yet"
        }
    }

    /// The workload, or a first credential, belongs to one client and the credentials to another.
    static func identityConflict(_ first: String, _ second: String) -> Refusal {
        Refusal(
            status: 403, type: "permission_error", code: "identity_conflict",
            message: "The caller proves to be the client '\(first)' and, by its credentials, the client '\(second)'.",
            kind: .conflict)
    }

    /// Tokens are checked elsewhere, and that takes too long.
    static let checkOverdue = Refusal(
        status: 503, type: "service_unavailable_error", code: "server_is_overloaded",
        message: "The token could not be checked in time.", retryAfter: 1)

    /// - Parameter rule: the name of the one that closes it; empty: it has none.
    static func accessDenied(_ model: String, rule: String = "") -> Refusal {
        Refusal(
            status: 403, type: "permission_error", code: "model_not_allowed", param: "model",
            message: rule.isEmpty
                ? "You may not call the model '\(model)'." : "You may not call the model '\(model)' (rule '\(rule)').",
            rule: rule, kind: .access)
    }

    /// - Parameter rule: the name of the one that closes it; empty: it has none.
    static func operationDenied(_ operation: String, _ model: String, rule: String = "") -> Refusal {
        let what = "You may not use the model '\(model)' for the operation '\(operation)'"
        return Refusal(
            status: 403, type: "permission_error", code: "operation_not_allowed",
            message: rule.isEmpty ? "\(what)." : "\(what) (rule '\(rule)').", rule: rule, kind: .access)
    }

    /// A rule of the firewall is against it.
    static func requestDenied(_ rule: String) -> Refusal {
        Refusal(
            status: 403, type: "permission_error", code: "request_denied",
            message: "The request is denied by the rule '\(rule)'.", rule: rule, kind: .access)
    }
}

extension IdentityFault {
    fileprivate var isOfToken: Bool {
        if case .token = self { return true }
        return false
    }
}
