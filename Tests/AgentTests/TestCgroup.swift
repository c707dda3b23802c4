import Glibc
import KernelPlane
import Testing

@testable import Agent

/// A cgroup of a test's own, directly below the mount. It goes with its owner, and what runs in it is ended. Needs root.
final class TestCgroup: Sendable {
    let path: String

    init(_ name: String) throws {
        let mount = try #require(HostFacts.cgroup2Mount(), "cgroup v2 is not mounted")
        path = "\(mount)/mb-agent-\(name)-\(getpid())-\(UInt32.random(in: 0 ... .max))"
        try #require(mkdir(path, 0o755) == 0)
    }

    deinit {
        kill()
        let events = open(path + "/cgroup.events", O_RDONLY | O_CLOEXEC)
        defer { close(events) }
        // The kernel tells of its last process's end as of urgent data; each wait has its limit, in case that was before.
        for _ in 0..<100 where rmdir(path) != 0 && errno == EBUSY {
            var watched = pollfd(fd: events, events: Int16(POLLPRI), revents: 0)
            poll(&watched, 1, 50)
            var text = [UInt8](repeating: 0, count: 256)
            _ = pread(events, &text, text.count, 0)
        }
    }

    /// Ends what runs in it and below.
    func kill() { try? File.write("1", into: path + "/cgroup.kill") }
}
