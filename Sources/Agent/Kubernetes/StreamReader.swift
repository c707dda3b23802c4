/// Reads one answer and hands its body on as it arrives, whatever its length.
struct StreamReader: AnswerReader {
    /// Told of the answer's status, before the body.
    private let head: (_ status: Int) -> Void
    /// Told of each piece of the body. False: nothing more is wanted.
    private let take: (ArraySlice<UInt8>) -> Bool
    private var scanner = AnswerScanner()

    init(head: @escaping (_ status: Int) -> Void, take: @escaping (ArraySlice<UInt8>) -> Bool) {
        self.head = head
        self.take = take
    }

    mutating func feed(_ new: ArraySlice<UInt8>) -> ReplyReader.Step {
        let (head, take) = (head, take)
        var status = scanner.reply?.status ?? 0
        return scanner.feed(
            new,
            head: { reply, _ in
                status = reply.status
                head(reply.status)
                return nil
            }, take: { take($0) ? nil : .done(Reply(status: status)) })
    }

    mutating func end() -> ReplyReader.Step { scanner.end() }
}
