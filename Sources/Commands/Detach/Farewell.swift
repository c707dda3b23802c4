internal import CLinux
internal import Control
private import Glibc

/// Asks the agent to go and sees it off.
enum Farewell {
    enum Outcome: Hashable {
        case absent
        case gone(pid: Int32)
        case lingers(pid: Int32)
    }

    /// How long the agent may take to exit, in milliseconds.
    private static let patience = 10_000

    static func agent(_ client: ControlClient) throws(ClientError) -> Outcome {
        var process: Int32 = -1
        defer { if process >= 0 { _ = close(process) } }
        do {
            // Held from before the question: by the answer the number could be somebody else's.
            let report = try client.detach { pid in process = clinux_pidfd_open(pid) }
            return hasEnded(process, by: Deadline(afterMilliseconds: patience))
                ? .gone(pid: report.pid) : .lingers(pid: report.pid)
        } catch .notRunning {
            return .absent
        }
    }

    /// A pidfd becomes readable when its process ends.
    private static func hasEnded(_ process: Int32, by deadline: Deadline) -> Bool {
        guard process >= 0 else { return process == -ESRCH }
        var entry = pollfd(fd: process, events: Int16(POLLIN), revents: 0)
        while true {
            let ready = poll(&entry, 1, deadline.remainingMilliseconds)
            if ready < 0, errno == EINTR { continue }
            return ready > 0
        }
    }
}
