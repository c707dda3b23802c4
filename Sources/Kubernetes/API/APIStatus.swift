private import FoundationEssentials

/// What the API server says of a request that it does not serve, or of a watch that it ends.
package struct APIStatus: Decodable, Hashable, Sendable {
    private struct Details: Decodable, Hashable {
        var retryAfterSeconds: Double?
    }

    package var code: Int
    package var reason: String
    package var message: String
    /// The server asks for so many seconds of peace.
    package var retryAfter: Double?

    private enum Keys: String, CodingKey { case code, reason, message, details }

    package init(code: Int, reason: String = "", message: String = "", retryAfter: Double? = nil) {
        self.code = code
        self.reason = reason
        self.message = message
        self.retryAfter = retryAfter
    }

    package init(from decoder: any Decoder) throws {
        let fields = try decoder.container(keyedBy: Keys.self)
        let details = try? fields.decodeIfPresent(Details.self, forKey: .details)
        self.init(
            code: try fields.decodeIfPresent(Int.self, forKey: .code) ?? 0,
            reason: try fields.decodeIfPresent(String.self, forKey: .reason) ?? "",
            message: try fields.decodeIfPresent(String.self, forKey: .message) ?? "", retryAfter: details?.retryAfterSeconds)
    }

    /// The status in an answer's body, under the code that its head has; a body that holds none is left out.
    package init(code: Int, body: [UInt8]) {
        let said = try? JSONDecoder().decode(APIStatus.self, from: Data(body))
        self.init(code: code, reason: said?.reason ?? "", message: said?.message ?? "", retryAfter: said?.retryAfter)
    }

    /// The version that was asked for is not known any more.
    package var isGone: Bool { code == 410 || reason == "Expired" || reason == "Gone" }

    /// In one line of bounded length without control characters: it comes from afar.
    package var text: String {
        var text = "status \(code)"
        if !reason.isEmpty { text += " \(reason)" }
        if !message.isEmpty { text += ": \(message)" }
        return String(String.UnicodeScalarView(text.unicodeScalars.filter { $0.value >= 0x20 && $0.value != 0x7F }.prefix(300)))
    }
}
