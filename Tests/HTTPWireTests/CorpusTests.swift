import HTTPWire
import Testing

/// Reads requests as the broker does, from pieces of any size, and says what became of them.
struct WireReader {
    enum Outcome: Hashable {
        case incomplete
        case refused
        /// The model named, and how many bytes the request had.
        case whole(model: String?, size: Int)
    }

    /// Feeds `bytes` in pieces of `step`.
    static func read(_ bytes: [UInt8], step: Int) -> Outcome {
        var scanner = HeadScanner()
        var head: RequestHead?
        var chunks = ChunkScanner()
        var json = JSONKeyScanner()
        var position = 0
        var fed = 0
        while fed < bytes.count {
            fed = min(bytes.count, fed + step)
            let seen = Array(bytes[0..<fed])
            do {
                if head == nil {
                    guard let size = try scanner.end(in: seen.span) else { continue }
                    head = try RequestHead(parsing: seen.span, size: size)
                    position = size
                }
                guard let parsed = head else { continue }
                if try advance(parsed, seen, &position, &chunks, &json) {
                    if parsed.framing != .none { try json.finish() }
                    return .whole(model: json.foundModel ? json.model.text : nil, size: position)
                }
            } catch {
                return .refused
            }
        }
        return .incomplete
    }

    private static func advance(
        _ head: RequestHead, _ seen: [UInt8], _ position: inout Int, _ chunks: inout ChunkScanner, _ json: inout JSONKeyScanner
    ) throws -> Bool {
        switch head.framing {
        case .none, .close: return true
        case .length(let length):
            let end = head.size + Int(length)
            let stop = min(end, seen.count)
            try json.scan(seen.span, position..<stop)
            position = stop
            return stop == end
        case .chunked:
            while position < seen.count {
                switch try chunks.step(seen.span, from: position) {
                case .data(let count):
                    try json.scan(seen.span, position..<position + count)
                    position += count
                case .framing(let count): position += count
                case .end(let count):
                    position += count
                    return true
                }
            }
            return false
        }
    }
}

@Suite struct CorpusTests {
    /// However a request is cut into pieces, it reads the same.
    @Test(arguments: [
        "POST /v1/chat/completions HTTP/1.1\r\nHost: a\r\nContent-Length: 13\r\n\r\n{\"model\":\"m\"}",
        "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5;x=\"y\"\r\n{\"mod\r\n8\r\nel\":\"m\"}\r\n0\r\nT: v\r\n\r\n",
        "GET / HTTP/1.0\r\n\r\n",
    ])
    func cutsDoNotMatter(text: String) {
        let bytes = Array(text.utf8)
        let whole = WireReader.read(bytes, step: bytes.count)
        #expect(whole != .refused && whole != .incomplete)
        for step in 1..<bytes.count { #expect(WireReader.read(bytes, step: step) == whole) }
    }
}
