import Control
import Glibc
import Reactor

/// What the kernel knows of this process.
enum ProcessFacts {
    private static let started = MonotonicClock.now()

    /// Marks the start; the uptime counts from the first call.
    static func begin() { _ = started }

    static func epochSeconds() -> Int {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return time.tv_sec
    }

    static func epochMilliseconds() -> Int64 {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return Int64(time.tv_sec * 1000 + time.tv_nsec / 1_000_000)
    }

    static func fill(_ statistics: inout ProxyStatistics) {
        statistics.residentBytes = residentBytes()
        statistics.descriptors = descriptors()
        let start = started
        statistics.uptimeMilliseconds = (MonotonicClock.now() - start) / 1_000_000
        statistics.processorMicroseconds = processorMicroseconds()
    }

    private static func processorMicroseconds() -> UInt64 {
        var time = timespec()
        clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time)
        return UInt64(time.tv_sec * 1_000_000 + time.tv_nsec / 1000)
    }

    /// The second number of /proc/self/statm, in pages.
    private static func residentBytes() -> UInt64 {
        let file = open("/proc/self/statm", O_RDONLY | O_CLOEXEC)
        guard file >= 0 else { return 0 }
        defer { _ = close(file) }
        var text = [UInt8](repeating: 0, count: 128)
        let count = read(file, &text, text.count)
        let words = text.prefix(max(0, count)).split(separator: 0x20)
        guard words.count > 1, let pages = UInt64(String(decoding: words[1], as: UTF8.self)) else { return 0 }
        return pages * UInt64(sysconf(Int32(_SC_PAGESIZE)))
    }

    private static func descriptors() -> UInt64 {
        guard let directory = opendir("/proc/self/fd") else { return 0 }
        defer { closedir(directory) }
        var count: UInt64 = 0
        while readdir(directory) != nil { count += 1 }
        // ".", ".." and the directory itself are none of ours.
        return count >= 3 ? count - 3 : 0
    }
}
