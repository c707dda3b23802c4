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

    /// Milliseconds since 1970, as the wall clock has them.
    static func epochMilliseconds() -> UInt64 {
        var moment = timespec()
        clock_gettime(CLOCK_REALTIME, &moment)
        return UInt64(max(0, moment.tv_sec)) * 1000 + UInt64(moment.tv_nsec / 1_000_000)
    }

    /// Keeps the thread for so long: for one of the agent's own that has nothing to wait for but time.
    static func pause(milliseconds: Int32) { poll(nil, 0, milliseconds) }
}
