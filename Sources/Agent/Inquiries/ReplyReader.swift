/// What a server answered.
struct Reply: Hashable, Sendable {
    var status: Int
    /// Empty if only the head was asked for.
    var body: [UInt8] = []
    /// Nanoseconds for which the server wants to be left alone; nil: it does not say, or did well.
    var retryAfter: UInt64?
}

/// Reads one answer from bytes as they arrive.
protocol AnswerReader {
    mutating func feed(_ new: ArraySlice<UInt8>) -> ReplyReader.Step

    /// The connection was closed.
    mutating func end() -> ReplyReader.Step
}

/// Reads one answer from bytes as they arrive, no further than needed, and keeps it.
struct ReplyReader: AnswerReader, Sendable {
    enum Step: Hashable, Sendable {
        case more
        case done(Reply)
        case failed(String)
    }

    private let limit: Int
    private var scanner: AnswerScanner
    private var body: [UInt8] = []

    /// - Parameter bodyLimit: nil: the head is enough.
    init(bodyLimit: Int?) {
        limit = bodyLimit ?? 0
        scanner = AnswerScanner(wantsBody: bodyLimit != nil)
    }

    mutating func feed(_ new: some Sequence<UInt8>) -> Step {
        let (limit, tooLong) = (limit, Step.failed("the answer is longer than \(limit) bytes"))
        var body: [UInt8] = []
        swap(&body, &self.body)
        let step = scanner.feed(
            new, head: { _, length in length.map { $0 > UInt64(limit) } == true ? tooLong : nil },
            take: { piece in
                body.append(contentsOf: piece)
                return body.count > limit ? tooLong : nil
            })
        swap(&body, &self.body)
        return whole(step)
    }

    mutating func end() -> Step { whole(scanner.end()) }

    private func whole(_ step: Step) -> Step {
        guard case .done(var reply) = step else { return step }
        reply.body = body
        return .done(reply)
    }
}
