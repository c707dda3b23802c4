/// A piece of an answer's body. Where it carries its time of sending, the digits are written at that moment.
struct Part: Sendable {
    /// Room for the digits: a JSON number may be followed by spaces, so pieces keep their length.
    static let stampWidth = 20
    static let stampField = "\"sent_ns\":" + String(repeating: " ", count: stampWidth - 1) + "0"

    var bytes: [UInt8]
    private var stampOffset: Int?

    init(plain bytes: [UInt8]) { self.bytes = bytes }

    init(_ text: String) {
        bytes = Array(text.utf8)
        let field = Array(Self.stampField.utf8)
        let starts = 0..<max(0, bytes.count - field.count + 1)
        // From the end: it stands there, behind texts that may be long.
        if let start = starts.last(where: { bytes[$0..<$0 + field.count].elementsEqual(field) }) {
            stampOffset = start + field.count - Self.stampWidth
        }
    }

    mutating func stamp(_ nanoseconds: UInt64) {
        guard let stampOffset else { return }
        let digits = Array(String(nanoseconds).utf8)
        let padded = digits + [UInt8](repeating: 32, count: Self.stampWidth - digits.count)
        bytes.replaceSubrange(stampOffset..<stampOffset + Self.stampWidth, with: padded)
    }
}

/// What the engine says to one request.
struct Answer: Sendable {
    var status = 200
    var contentType = "application/json"
    var fields: [(String, String)] = []
    /// One piece, or the events of a stream.
    var parts: [Part] = []
    var streams = false
    /// How long the first piece takes; each further one of a stream takes the time between tokens.
    var delayNanoseconds: Int64 = 0
    /// nil: it is free.
    var bill: Bill?
    /// The request's `mock_id`, by which it is found in the log of those that were served.
    var id = ""

    static func json(_ text: String, status: Int = 200) -> Answer { Answer(status: status, parts: [Part(text)]) }

    static func error(_ status: Int, _ message: String, code: String? = nil) -> Answer {
        let kind = status >= 500 ? "server_error" : "invalid_request_error"
        let code = code.map(quoted) ?? "null"
        return json(
            "{\"error\":{\"message\":\(quoted(message)),\"type\":\"\(kind)\",\"param\":null,\"code\":\(code)}}", status: status)
    }

    /// 204 and 304 never have a body; an answer to HEAD has the head only.
    var hasBody: Bool { status != 204 && status != 304 && status >= 200 }
    var length: Int { parts.reduce(0) { $0 + $1.bytes.count } }
}
