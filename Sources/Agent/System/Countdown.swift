private import Synchronization

/// Lets threads wait until something has happened a number of times.
///
/// Not `DispatchSemaphore`: on Linux its limits are moments of the wall clock, and last a day longer once that is set back by one.
final class Countdown: Sendable {
    private let left: Mutex<Int>
    private let wake = Wake()

    init(_ count: Int) { left = Mutex(count) }

    /// It has happened once more.
    func signal() {
        if left.withLock({ left in
            left -= 1
            return left <= 0
        }) {
            wake.signal()
        }
    }

    /// Blocks until it has happened so often, or until `deadline`, nanoseconds of the monotonic clock. False: it has not.
    func wait(until deadline: UInt64) -> Bool {
        while left.withLock({ $0 > 0 }) {
            guard Clocks.monotonic() < deadline else { return false }
            wake.wait(until: deadline)
        }
        // For whoever else waits.
        wake.signal()
        return true
    }
}
