private import Glibc

/// Waits until nobody is in cgroups any more: the kernel writes that into `populated` of `cgroup.events`, and poll(2) tells of
/// each change there by POLLPRI (Documentation/admin-guide/cgroup-v2.rst, "[Un]populated Notification").
enum CgroupVacancy {
    /// - Parameter cgroups: absolute paths; one that is not there is vacant.
    /// - Returns: false: somebody was still there after `limit`.
    static func wait(_ cgroups: [String], atMost limit: Duration) async -> Bool {
        let deadline = Clocks.monotonic() + UInt64(max(0, limit / .nanoseconds(1)))
        return await BackgroundThread.run("cgroup-vacancy") {
            cgroups.allSatisfy { isVacant($0, until: deadline) }
        }
    }

    private static func isVacant(_ cgroup: String, until deadline: UInt64) -> Bool {
        let descriptor = open(cgroup + "/cgroup.events", O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return true }
        defer { close(descriptor) }
        var text = [UInt8](repeating: 0, count: 256)
        while true {
            // Reading is also what the next change is seen after. ENODEV: the cgroup has been removed.
            let got = pread(descriptor, &text, text.count, 0)
            if got < 0, errno == EINTR { continue }
            let lines = text[..<max(0, got)].split(separator: UInt8(ascii: "\n"))
            guard lines.contains(where: { $0.elementsEqual("populated 1".utf8) }) else { return true }
            let now = Clocks.monotonic()
            guard now < deadline else { return false }
            var polled = pollfd(fd: descriptor, events: Int16(POLLPRI), revents: 0)
            poll(&polled, 1, Int32(clamping: (deadline - now) / 1_000_000 + 1))
        }
    }
}
