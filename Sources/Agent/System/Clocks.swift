private import Glibc

/// The clocks that the agent reads.
enum Clocks {
    /// Nanoseconds since some fixed moment; never runs backwards.
    static func monotonic() -> UInt64 {
        var moment = timespec()
        clock_gettime(CLOCK_MONOTONIC, &moment)
        return UInt64(moment.tv_sec) * 1_000_000_000 + UInt64(moment.tv_nsec)
    }

    /// Seconds since 1970, as the wall clock has them.
    @Sendable static func epochSeconds() -> UInt64 { UInt64(max(0, time(nil))) }
}
