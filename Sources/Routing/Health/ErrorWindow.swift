/// Requests and failures of the last while, in eight parts that are forgotten one after the other.
struct ErrorWindow: Sendable {
    private static let parts = 8

    private var requests = InlineArray<8, UInt32>(repeating: 0)
    private var failures = InlineArray<8, UInt32>(repeating: 0)
    /// Nanoseconds.
    private var partLength: UInt64 = 1
    /// The latest part that was counted in, since the clock began.
    private var latest: UInt64 = 0

    /// - Parameter window: nanoseconds; counts of a window of another length are dropped.
    mutating func note(isFailure: Bool, window: UInt64, now: UInt64) {
        move(window, now)
        let part = Int(latest % UInt64(Self.parts))
        requests[part] &+= 1
        if isFailure { failures[part] &+= 1 }
    }

    /// What was counted in the window that ends now.
    mutating func counts(window: UInt64, now: UInt64) -> (requests: Int, failures: Int) {
        move(window, now)
        var sum = (requests: 0, failures: 0)
        for part in 0..<Self.parts {
            sum.requests += Int(requests[part])
            sum.failures += Int(failures[part])
        }
        return sum
    }

    mutating func clear() {
        requests = InlineArray(repeating: 0)
        failures = InlineArray(repeating: 0)
    }

    private mutating func move(_ window: UInt64, _ now: UInt64) {
        let length = max(1, window / UInt64(Self.parts))
        if length != partLength {
            clear()
            partLength = length
            latest = now / length
        }
        let part = now / length
        guard part > latest else { return }
        if part - latest >= UInt64(Self.parts) {
            clear()
        } else {
            for passed in latest + 1...part {
                requests[Int(passed % UInt64(Self.parts))] = 0
                failures[Int(passed % UInt64(Self.parts))] = 0
            }
        }
        latest = part
    }
}
