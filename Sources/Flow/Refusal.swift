import Admission
import HTTPWire

/// An answer that the broker gives itself because it will not, or cannot, pass a request on. Status, type and code are
/// those of the OpenAI API.
package struct Refusal: Sendable {
    var status: Int
    var type: StaticString
    var code: StaticString?
    var param: StaticString?
    var message: Message
    /// Seconds; at most 120, or clients stop trying.
    var retryAfter: Int?
    var retryAfterMilliseconds: Int?
    var allow: StaticString?
    /// The challenge of `WWW-Authenticate`.
    var challenge: StaticString?
    /// Trying again as it is would be in vain, whatever the status makes clients think.
    var isFinal = false
    /// What is left of the limits that apply.
    var levels = LimitLevels()
    /// The configuration's rule that refused; empty: none that has a name.
    var rule = ""
    var kind = Kind.other

    /// What is counted where.
    enum Kind: UInt8, Hashable, Sendable { case other, identity, conflict, access, requests, tokens, concurrency, quota }

    /// Why, in one word.
    var reason: StaticString {
        switch kind {
        case .requests, .tokens, .concurrency: type
        default: code ?? type
        }
    }

    static func invalid(_ status: Int, _ message: Message, code: StaticString? = nil, param: StaticString? = nil)
        -> Refusal
    {
        Refusal(status: status, type: "invalid_request_error", code: code, param: param, message: message)
    }

    static func malformed(_ fault: HeadFault) -> Refusal {
        invalid(fault.status, "Malformed HTTP request: \(fault.message).")
    }

    static func malformed(_ fault: JSONFault) -> Refusal {
        invalid(400, "Could not read the request: \(fault.message).", param: fault.concernsModel ? "model" : nil)
    }

    static let modelMissing = invalid(400, "You must provide a 'model' parameter.", param: "model")

    static let notJSON = invalid(
        400, "You must provide a 'model' parameter in a JSON body (Content-Type: application/json).", param: "model")

    static func modelUnknown(_ name: String) -> Refusal {
        invalid(
            404, "The model '\(name)' does not exist or you do not have access to it.", code: "model_not_found", param: "model")
    }

    static func urlUnknown(_ method: String, _ path: String) -> Refusal {
        invalid(404, "Unknown request URL: \(method) \(path).", code: "unknown_url")
    }

    static func methodNotAllowed(_ method: String, allow: StaticString) -> Refusal {
        var refusal = invalid(405, "Method \(method) is not supported here; use \(allow).", code: "method_not_supported")
        refusal.allow = allow
        return refusal
    }

    static let headTimeout = invalid(408, "The request head took too long.")
    static let bodyTimeout = invalid(408, "The request body took too long.")

    /// Endpoints were tried, in vain.
    static func unreachable(_ model: String) -> Refusal {
        Refusal(
            status: 503, type: "service_unavailable_error", code: "no_endpoint_available",
            message: "No endpoint of the model '\(model)' can be reached.", retryAfter: 1)
    }

    /// The broker can open no connection.
    static func exhausted(_ reason: String) -> Refusal {
        Refusal(
            status: 503, type: "service_unavailable_error", code: "server_is_overloaded",
            message: "The broker can't open a connection now: \(reason).", retryAfter: 1)
    }

    /// None is usable, so none was tried.
    static func noEndpoint(_ model: String, seconds: Int) -> Refusal {
        Refusal(
            status: 503, type: "service_unavailable_error", code: "no_endpoint_available",
            message: "No endpoint of the model '\(model)' is usable. Try again in \(seconds)s.", retryAfter: seconds)
    }

    static func interfaceMissing(_ model: String, _ interface: StaticString) -> Refusal {
        invalid(
            404, "The model '\(model)' has no endpoint with the \(interface) interface.", code: "unknown_url", param: "model")
    }

    static func dialledUnreachable(_ address: String, _ reason: String) -> Refusal {
        Refusal(
            status: 503, type: "service_unavailable_error", code: "server_is_overloaded",
            message: "Could not connect to \(address): \(reason).", retryAfter: 1)
    }

    static func badAnswer(_ reason: String) -> Refusal {
        Refusal(status: 502, type: "api_error", code: "bad_gateway", message: "The endpoint \(reason).", retryAfter: 1)
    }

    static let endpointTimeout = Refusal(
        status: 504, type: "timeout", code: "endpoint_timeout", message: "The endpoint did not answer in time.", retryAfter: 1)

    /// Appends the error object of the OpenAI API, or the plain text in one of the KServe v2 and Ollama APIs.
    func appendBody(to bytes: inout [UInt8], isPlain: Bool) {
        if isPlain {
            bytes.append("{\"error\":")
            bytes.append("\"")
            message.append(to: &bytes)
            bytes.append("\"}")
            return
        }
        bytes.append("{\"error\":{\"message\":")
        bytes.append("\"")
        message.append(to: &bytes)
        bytes.append("\",\"type\":\"")
        bytes.append(type)
        bytes.append("\",\"param\":")
        Self.append(param, to: &bytes)
        bytes.append(",\"code\":")
        Self.append(code, to: &bytes)
        bytes.append("}}")
    }

    private static func append(_ text: StaticString?, to bytes: inout [UInt8]) {
        guard let text else { return bytes.append("null") }
        bytes.append("\"")
        bytes.append(text)
        bytes.append("\"")
    }

    static func reason(_ status: Int) -> StaticString {
        switch status {
        case 200: "OK"
        case 400: "Bad Request"
        case 401: "Unauthorized"
        case 403: "Forbidden"
        case 404: "Not Found"
        case 405: "Method Not Allowed"
        case 408: "Request Timeout"
        case 413: "Content Too Large"
        case 417: "Expectation Failed"
        case 429: "Too Many Requests"
        case 431: "Request Header Fields Too Large"
        case 502: "Bad Gateway"
        case 503: "Service Unavailable"
        case 504: "Gateway Timeout"
        case 505: "HTTP Version Not Supported"
        default: "Error"
        }
    }
}
