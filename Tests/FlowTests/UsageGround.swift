import Admission
import Catalog
import Control
import Flow
import Routing
import Telemetry
import Testing

/// A driver whose flow's model counts tokens, and whose endpoint is asked for the usage of streams.
extension FlowDriver {
    init(
        usage memory: QoSMemory, qos: QoS = .plentyOfTokens, engine: Engine = .openai, asks: Bool = true,
        upstreamModel: String? = nil, strict: Bool = true
    ) {
        self.init(strict ? .gateway : .capture)
        memory.put(qos, "m", slot: Self.slot)
        let endpoint = Endpoint(
            host: "e", port: 9101, authority: "e:9101", addresses: [Self.engine], engine: engine, upstreamModel: upstreamModel)
        let models = [Model(name: "m", endpoints: [endpoint], routing: Self.once, asksStreamUsage: asks)]
        context.adopt(
            RoutingTable(models), Node(), admission: AdmissionTable(memory.page, slots: [Self.slot], models: ["m"]))
    }

    /// What the endpoint got: the head, and the body with its framing taken off.
    mutating func takeRequest() throws -> (head: String, body: String) { try Message.split(takeUpstream()) }

    /// What the client got.
    mutating func takeAnswer() throws -> (head: String, body: String) { try Message.split(takeClient()) }
}

extension QoS {
    static let plentyOfTokens = with {
        $0.tokens = Rate(1_000_000, per: .second); $0.tokenBurst = 1_000_000
    }
}

/// Messages taken apart.
enum Message {
    struct Fault: Error {}

    static func split(_ text: String) throws -> (head: String, body: String) {
        guard let end = text.firstRange(of: "\r\n\r\n") else { throw Fault() }
        let head = String(text[..<end.upperBound])
        var body = String(text[end.upperBound...])
        if head.lowercased().contains("transfer-encoding: chunked") { body = try unchunked(body) }
        if let length = head.firstRange(of: "Content-Length: ") {
            // What was announced, and no byte more, came.
            try #require(Int(head[length.upperBound...].prefix { $0.isNumber }) == body.utf8.count)
        }
        return (head, body)
    }

    static func unchunked(_ text: String) throws -> String {
        var rest = Array(text.utf8)[...]
        var data: [UInt8] = []
        while let feed = rest.firstIndex(of: 0x0A) {
            let line = String(decoding: rest[rest.startIndex..<feed - 1], as: UTF8.self)
            guard let size = Int(line, radix: 16) else { throw Fault() }
            if size == 0 { return String(decoding: data, as: UTF8.self) }
            data += rest[(feed + 1)..<(feed + 1 + size)]
            guard rest[feed + 1 + size] == 0x0D else { throw Fault() }
            rest = rest[(feed + 3 + size)...]
        }
        throw Fault()
    }
}

extension Text {
    static let chatHead = "POST /v1/chat/completions HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n"
    static let member = #","stream_options":{"include_usage":true}"#

    static func chat(_ body: String, version: String = "1.1") -> String {
        "POST /v1/chat/completions HTTP/\(version)\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: \(body.utf8.count)\r\n\r\n\(body)"
    }

    static func chunked(_ pieces: [String]) -> String {
        chatHead + "Transfer-Encoding: chunked\r\n\r\n" + pieces.map { chunk($0) }.joined() + "0\r\n\r\n"
    }

    static let delta = #"data: {"id":"x","model":"m","choices":[{"delta":{"content":"a"}}],"usage":null}"# + "\n\n"
    static let usage =
        #"data: {"id":"x","model":"m","choices":[],"usage":{"prompt_tokens":30,"completion_tokens":12,"total_tokens":42}}"#
        + "\n\n"
    static let done = "data: [DONE]\n\n"
}
