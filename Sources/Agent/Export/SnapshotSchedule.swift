/// When a snapshot is due that is made again and again. Pure: time is nanoseconds of any steady clock.
struct SnapshotSchedule: Sendable {
    /// nil: never.
    private var interval: UInt64?
    private var next: UInt64 = 0

    /// - Parameter milliseconds: from one to the next; nil: none are made. The first one is due at once.
    mutating func adopt(_ milliseconds: Int?, now: UInt64) {
        let interval = milliseconds.map { UInt64(max(1, $0)) * 1_000_000 }
        guard interval != self.interval else { return }
        self.interval = interval
        next = now
    }

    /// Whether one is due; those that were missed meanwhile are left out.
    mutating func takeDue(_ now: UInt64) -> Bool {
        guard let interval, next <= now else { return false }
        next += interval
        if next <= now { next = now + interval }
        return true
    }
}
