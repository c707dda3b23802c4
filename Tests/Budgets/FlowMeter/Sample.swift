import Catalog
import Identity

/// The messages that the meter sends: heads as today's client libraries and engines write them.
enum Sample {
    static let model = "llama-70b"
    /// The slot of its entry, where it has one.
    static let slot: UInt32 = 1

    /// Limits that no run reaches.
    static var limits: QoS {
        var qos = QoS()
        qos.requests = Rate(1_000_000, per: .second)
        qos.tokens = Rate(1_000_000_000, per: .second)
        return qos
    }

    /// The key that its requests bear.
    static let key = "sk-0123456789abcdef0123456789abcdef"

    /// A client that the key proves, with limits that no run reaches.
    static var client: Client {
        var allowance = Allowance(quotas: [Quota(1 << 40, .tokens, per: .day)])
        allowance.requests = limits.requests
        allowance.tokens = limits.tokens
        allowance.concurrent = 10
        return Client(name: "team-a", keys: [KeyDigest.shared(id: "team-a/1", key: key)], allowance: allowance)
    }

    /// Nothing passes.
    static var never: QoS {
        var qos = QoS()
        qos.requests = Rate(0, per: .second)
        return qos
    }

    /// A chat request of an OpenAI client library with so many bytes of JSON.
    static func request(model: String, size: Int = 1024, prompt: String = words, isStream: Bool = false) -> [UInt8] {
        let before = #"{"messages":[{"role":"system","content":"You are terse."},{"role":"user","content":""#
        let after = #""}],"model":"\#(model)","max_tokens":64,"temperature":0.2\#(isStream ? #","stream":true"# : "")}"#
        let body = before + filler(size - before.utf8.count - after.utf8.count, prompt) + after
        let fields = [
            "POST /v1/chat/completions HTTP/1.1", "Host: llama.models.svc:8000", "Accept-Encoding: gzip, deflate",
            "Connection: keep-alive", "Accept: application/json", "Content-Type: application/json",
            "User-Agent: OpenAI/Python 1.99.9", "X-Stainless-Lang: python", "X-Stainless-Package-Version: 1.99.9",
            "X-Stainless-OS: Linux", "X-Stainless-Arch: x64", "X-Stainless-Runtime: CPython",
            "X-Stainless-Runtime-Version: 3.11.7", "Authorization: Bearer \(key)",
            "X-Stainless-Async: false", "x-stainless-retry-count: 0", "x-stainless-read-timeout: 600",
            "Content-Length: \(body.utf8.count)",
        ]
        return message(fields, body)
    }

    /// An engine's answer with 1 KiB of JSON.
    static let answer: [UInt8] = {
        let before = #"{"id":"chatcmpl-0","object":"chat.completion","choices":[{"message":{"role":"assistant","content":""#
        let after = #""},"finish_reason":"stop"}],"usage":{"prompt_tokens":200,"completion_tokens":64}}"#
        let body = before + filler(1024 - before.utf8.count - after.utf8.count) + after
        let fields = [
            "HTTP/1.1 200 OK", "date: Sat, 21 Nov 2026 03:00:00 GMT", "server: uvicorn", "content-length: \(body.utf8.count)",
            "content-type: application/json",
        ]
        return message(fields, body)
    }()

    /// The head of an engine's stream.
    static let streamHead = message(
        [
            "HTTP/1.1 200 OK", "date: Sat, 21 Nov 2026 03:00:00 GMT", "server: uvicorn",
            "content-type: text/event-stream; charset=utf-8", "transfer-encoding: chunked",
        ], "")

    /// One event of 256 bytes in a chunk of its own, as engines write it.
    static let event: [UInt8] = {
        let before = #"data: {"id":"chatcmpl-0","object":"chat.completion.chunk","choices":[{"delta":{"content":""#
        let after = "\"}}]}\n\n"
        return Array("100\r\n\(before)\(filler(256 - before.utf8.count - after.utf8.count))\(after)\r\n".utf8)
    }()

    private static func message(_ lines: [String], _ body: String) -> [UInt8] {
        Array((lines.joined(separator: "\r\n") + "\r\n\r\n" + body).utf8)
    }

    /// Without anything to escape.
    static let words = "tokens are words, more or less; "
    /// Code as JSON has it: escapes, indentation, and here and there a character beyond ASCII.
    static let code = #"    print(\"caf\u00e9\")\n    ü = 1\n"#

    private static func filler(_ count: Int, _ text: String = words) -> String {
        let times = count / text.utf8.count
        return String(repeating: text, count: times) + String(repeating: "x", count: count - times * text.utf8.count)
    }
}
