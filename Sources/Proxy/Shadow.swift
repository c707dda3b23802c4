import HTTPWire

/// A copy of a request on its way to an endpoint whose answer nobody waits for.
final class Shadow {
    /// Name of the route that is mirrored: it outlives the numbers of a catalogue.
    let route: [UInt8]
    private(set) var request: [UInt8]
    private(set) var sent = 0
    var answer = AnswerEnd()
    /// It stands in the list of those to be looked at again.
    var isQueued = false

    init(_ request: [UInt8], route: [UInt8]) {
        self.request = request
        self.route = route
    }

    var isSent: Bool { sent == request.count }
    /// Bytes that it holds.
    var size: Int { request.count }

    /// Notes that `count` more bytes have gone out; the memory goes with the last ones. Returns what that gave back.
    func advance(_ count: Int) -> Int {
        sent += count
        guard isSent else { return 0 }
        let freed = request.count
        request = []
        sent = 0
        return freed
    }
}

/// Looks for the end of an answer and keeps nothing of it.
struct AnswerEnd {
    enum Verdict: Hashable {
        case unfinished
        case finished
        case malformed
    }

    private enum Part {
        case head
        case length(UInt64)
        case chunks(ChunkScanner)
        case untilClose
    }

    private var head: [UInt8] = []
    private var scanner = HeadScanner()
    private var part = Part.head

    /// Goes on through `bytes`.
    mutating func take(_ bytes: Span<UInt8>) -> Verdict {
        do throws(HeadFault) {
            var position = 0
            while position < bytes.count {
                switch part {
                case .head:
                    if try !takeHead(bytes, &position) { return .unfinished }
                    if case .length(0) = part { return .finished }
                case .length(let left):
                    let count = min(left, UInt64(bytes.count - position))
                    part = .length(left - count)
                    return left == count ? .finished : .unfinished
                case .chunks(var chunks):
                    switch try chunks.step(bytes, from: position) {
                    case .data(let count), .framing(let count): position += count
                    case .end: return .finished
                    }
                    part = .chunks(chunks)
                case .untilClose: return .unfinished
                }
            }
            return .unfinished
        } catch {
            return .malformed
        }
    }

    /// What it means that the connection ends here.
    var atClose: Verdict { if case .untilClose = part { .finished } else { .malformed } }

    /// Whether the head is whole; interim answers are passed over.
    private mutating func takeHead(_ bytes: Span<UInt8>, _ position: inout Int) throws(HeadFault) -> Bool {
        let before = head.count
        for index in position..<min(bytes.count, position + HeadScanner.limit) { head.append(bytes[index]) }
        // A reference to the same storage: the compiler can't see that a span of `head` leaves the rest of self alone.
        let held = head
        guard let size = try scanner.end(in: held.span) else {
            position = bytes.count
            return false
        }
        let answer = try ResponseHead(parsing: held.span, size: size)
        position += size - before
        head = []
        scanner = HeadScanner()
        guard answer.status >= 200 else { return position < bytes.count }
        switch answer.bodyFraming(forHead: false) {
        case .none: part = .length(0)
        case .length(let length): part = .length(length)
        case .chunked: part = .chunks(ChunkScanner())
        case .close: part = .untilClose
        }
        return true
    }
}
