import Glibc
import NIOCore

/// Turns an answer into bytes piece by piece: framing, pace and drops. Pure, but for the clock in the stamps.
struct AnswerWriter {
    enum Next { case more(TimeAmount), done(close: Bool), drop }

    /// What to write now, and what comes then.
    struct Step {
        var bytes: [UInt8] = []
        var next: Next

        var isLast: Bool {
            if case .more = next { return false }
            return true
        }
    }

    private let dropAfter: Int?
    private let dropInside: Bool
    private let pauseNanoseconds: Int64
    private let name: String
    private let fields: [(String, String)]
    private let answer: Answer
    private let framing: EngineOptions.Framing
    private let headOnly: Bool
    private let keepsAlive: Bool
    private var index = 0
    /// Parts that were handed out as a whole.
    private var written = 0
    private(set) var digest = SHA256()

    /// `faultless`: an answer to those who look at the engine, not to its clients.
    init(options: EngineOptions, answer: Answer, head: RequestHead, faultless: Bool) {
        dropAfter = faultless ? nil : options.dropAfter
        dropInside = options.dropInside
        pauseNanoseconds = options.itl.nanoseconds
        name = options.name
        fields = faultless ? [] : options.fields
        self.answer = answer
        headOnly = head.method == "HEAD" || !answer.hasBody
        let wanted = (faultless ? nil : options.framing) ?? (answer.streams ? .chunked : .length)
        // An old client cannot read chunks.
        framing = wanted == .chunked && head.minorVersion == 0 ? .close : wanted
        keepsAlive = head.keepsAlive && (framing != .close || headOnly)
    }

    mutating func step() -> Step {
        if dropAfter == 0, index == 0 { return Step(next: .drop) }
        var bytes = index == 0 ? head() : []
        guard !headOnly, index < answer.parts.count else {
            return Step(bytes: bytes, next: .done(close: !keepsAlive))
        }
        if drops() { return drop(bytes) }
        bytes += framed(nextPart())
        if index == answer.parts.count, framing == .chunked { bytes += Array("0\r\n\r\n".utf8) }
        guard index < answer.parts.count else { return Step(bytes: bytes, next: .done(close: !keepsAlive)) }
        return Step(bytes: bytes, next: .more(.nanoseconds(pause)))
    }

    /// What follows the last token (the reason why it was the last, the usage, the end) is known at once.
    private var pause: Int64 {
        if let bill = answer.bill, bill.tokenParts > 0 { return index < bill.tokenParts ? pauseNanoseconds : 0 }
        return index < answer.parts.count - 1 ? pauseNanoseconds : 0
    }

    /// What was written so far is billed; nil: nothing.
    var bill: (bill: Bill, isWhole: Bool)? {
        guard let bill = answer.bill else { return nil }
        if written == answer.parts.count { return (bill, true) }
        return bill.cut(afterParts: written).map { ($0, false) }
    }

    /// An answer of one piece drops in the middle of it, since it has no other place.
    private func drops() -> Bool {
        guard let limit = dropAfter else { return false }
        return answer.parts.count == 1 || index >= limit
    }

    private mutating func drop(_ head: [UInt8]) -> Step {
        guard dropInside || answer.parts.count == 1 else { return Step(bytes: head, next: .drop) }
        let piece = framed(nextPart(half: true))
        // The framing promises the rest of the piece, which never comes.
        return Step(bytes: head + piece.prefix(piece.count / 2), next: .drop)
    }

    private mutating func nextPart(half: Bool = false) -> [UInt8] {
        var part = answer.parts[index]
        index += 1
        part.stamp(Self.monotonic())
        if !half {
            digest.update(part.bytes)
            written += 1
        }
        return part.bytes
    }

    private func framed(_ bytes: [UInt8]) -> [UInt8] {
        guard framing == .chunked, !bytes.isEmpty else { return bytes }
        return Array("\(String(bytes.count, radix: 16))\r\n".utf8) + bytes + [13, 10]
    }

    private func head() -> [UInt8] {
        var text = "HTTP/1.1 \(answer.status) \(Self.reason(answer.status))\r\n"
        text += "x-engine: \(name)\r\n"
        if answer.status != 204 { text += "content-type: \(answer.contentType)\r\n" }
        for (name, value) in answer.fields + fields { text += "\(name): \(value)\r\n" }
        if answer.hasBody {
            switch framing {
            case .chunked: text += "transfer-encoding: chunked\r\n"
            case .length: text += "content-length: \(answer.length)\r\n"
            case .close: text += "connection: close\r\n"
            }
        }
        if !keepsAlive, framing != .close { text += "connection: close\r\n" }
        return Array((text + "\r\n").utf8)
    }

    /// CLOCK_MONOTONIC in nanoseconds, which any process of the machine can compare.
    static func monotonic() -> UInt64 {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
    }

    private static func reason(_ status: Int) -> String {
        let known = [
            200: "OK", 204: "No Content", 304: "Not Modified", 400: "Bad Request", 404: "Not Found", 429: "Too Many Requests",
            500: "Internal Server Error", 502: "Bad Gateway", 503: "Service Unavailable",
        ]
        return known[status] ?? "Status"
    }
}
