/// Keeps retries a part of the requests of the last ten seconds, so that they cannot become a storm.
struct RetryBudget: Sendable {
    private static let seconds = 10
    /// Retries that are allowed in any case.
    private static let floor = 10

    private var requests = InlineArray<10, UInt32>(repeating: 0)
    private var retries = InlineArray<10, UInt32>(repeating: 0)
    private var latest: UInt64 = 0

    mutating func noteRequest(now: UInt64) {
        move(now)
        requests[Int(latest % UInt64(Self.seconds))] &+= 1
    }

    /// Takes one retry if `percent` of the requests leave one.
    mutating func take(percent: Int, now: UInt64) -> Bool {
        move(now)
        var sum = (requests: 0, retries: 0)
        for index in 0..<Self.seconds {
            sum.requests += Int(requests[index])
            sum.retries += Int(retries[index])
        }
        guard sum.retries < max(Self.floor, sum.requests * max(0, percent) / 100) else { return false }
        retries[Int(latest % UInt64(Self.seconds))] &+= 1
        return true
    }

    private mutating func move(_ now: UInt64) {
        let second = now / 1_000_000_000
        guard second > latest else { return }
        if second - latest >= UInt64(Self.seconds) {
            requests = InlineArray(repeating: 0)
            retries = InlineArray(repeating: 0)
        } else {
            for passed in latest + 1...second {
                requests[Int(passed % UInt64(Self.seconds))] = 0
                retries[Int(passed % UInt64(Self.seconds))] = 0
            }
        }
        latest = second
    }
}
