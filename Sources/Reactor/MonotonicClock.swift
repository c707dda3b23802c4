import Glibc

/// The clock of deadlines and ages: CLOCK_MONOTONIC, as the kernel programs use it.
package enum MonotonicClock {
    /// Nanoseconds since boot, suspend not counted.
    package static func now() -> UInt64 {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
    }
}
