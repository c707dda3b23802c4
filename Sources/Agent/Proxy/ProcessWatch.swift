private import CLinux
private import Glibc

/// Tells when a process ends, whether it is a child of this one or not.
enum ProcessWatch {
    /// Watches from a thread of its own.
    ///
    /// - Parameter ended: called once, with how it ended in words: `exit 1`, `signal 9`, or
    ///   `an unknown cause` for another's child.
    static func start(_ pid: Int32, ended: @escaping @Sendable (String) -> Void) throws(SystemError) {
        let descriptor = clinux_pidfd_open(pid)
        guard descriptor >= 0 else { throw SystemError("watch the process", String(pid), code: -descriptor) }
        try BackgroundThread.start("process-watch") {
            var watched = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
            while poll(&watched, 1, -1) < 1 {}
            close(descriptor)
            ended(collect(pid))
        }
    }

    private static func collect(_ pid: Int32) -> String {
        var status: Int32 = 0
        guard clinux_reap(pid, &status) == 1 else { return "an unknown cause" }
        let signal = status & 0x7f
        return signal == 0 ? "exit \(status >> 8 & 0xff)" : "signal \(signal)"
    }
}
