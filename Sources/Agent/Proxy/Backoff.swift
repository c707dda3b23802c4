/// How long to wait before the next attempt: doubling from `first` to `last`, from the start again after a good run.
struct Backoff: Sendable {
    private let first: Duration
    private let last: Duration
    private let goodRun: Duration
    private var next: Duration

    /// - Parameter goodRun: a run of this length puts the wait back to `first`.
    init(first: Duration = .milliseconds(100), last: Duration = .seconds(2), goodRun: Duration = .seconds(10)) {
        self.first = first
        self.last = last
        self.goodRun = goodRun
        self.next = first
    }

    /// What to wait after a run that lasted so long and failed.
    mutating func wait(afterRunning run: Duration) -> Duration {
        if run >= goodRun { next = first }
        defer { next = min(next * 2, last) }
        return next
    }
}
