private import Glibc

/// A moment on the monotonic clock by which something has to be done.
package struct Deadline: Sendable {
    private let nanoseconds: Int64

    package init(afterMilliseconds milliseconds: Int) {
        nanoseconds = Self.now() + Int64(milliseconds) * 1_000_000
    }

    /// What is left, rounded up, for poll(2); 0 when it is over.
    package var remainingMilliseconds: Int32 {
        Int32(clamping: max(0, nanoseconds - Self.now() + 999_999) / 1_000_000)
    }

    package var isOver: Bool { remainingMilliseconds == 0 }

    /// The clock that deadlines are of.
    package static var seconds: Double { Double(now()) / 1_000_000_000 }

    private static func now() -> Int64 {
        var moment = timespec()
        clock_gettime(CLOCK_MONOTONIC, &moment)
        return Int64(moment.tv_sec) * 1_000_000_000 + Int64(moment.tv_nsec)
    }
}
