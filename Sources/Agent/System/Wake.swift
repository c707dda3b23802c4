private import CLinux
private import Glibc

/// What a thread waits on that has something to do now and then.
final class Wake: Sendable {
    private let descriptor: Int32

    /// Where no descriptor can be had, waiting is a matter of time.
    init() { descriptor = eventfd(0, Int32(EFD_NONBLOCK | EFD_CLOEXEC)) }

    deinit { if descriptor >= 0 { close(descriptor) } }

    func signal() { if descriptor >= 0 { _ = eventfd_write(descriptor, 1) } }

    /// Until somebody signals, or signalled since the last time, or `deadline` has come, by the monotonic clock.
    func wait(until deadline: UInt64) {
        let now = Clocks.monotonic()
        let left = deadline > now ? (deadline - now) / 1_000_000 + 1 : 0
        guard descriptor >= 0 else { return Clocks.pause(milliseconds: Int32(clamping: min(left, 100))) }
        var polled = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
        guard poll(&polled, 1, Int32(clamping: min(left, 3_600_000))) > 0 else { return }
        var value: eventfd_t = 0
        _ = eventfd_read(descriptor, &value)
    }
}
