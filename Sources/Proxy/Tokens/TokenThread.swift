import CLinux
import Glibc
import Reactor
import Synchronization

/// The one thread that tokens are checked on, whatever the checks wait for: event loops and the concurrency runtime's own
/// threads, of which there are as many as cores, are left alone.
final class TokenThread: TaskExecutor {
    private let jobs = Mutex<[UnownedJob]>([])
    private let wake: Int32

    /// - Throws: when there is no descriptor or thread for it.
    init() throws(SystemError) {
        wake = eventfd(0, Int32(EFD_CLOEXEC))
        let code = errno
        guard wake >= 0 else { throw SystemError("eventfd", code) }
        // It lives as long as the process: a check may be under way whenever nobody needs it any more.
        try BackgroundThread.start { self.run() }
    }

    func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        jobs.withLock { $0.append(job) }
        _ = eventfd_write(wake, 1)
    }

    private func run() -> Never {
        let executor = asUnownedTaskExecutor()
        while true {
            var value: eventfd_t = 0
            _ = eventfd_read(wake, &value)
            let turn = jobs.withLock { jobs in
                defer { jobs = [] }
                return jobs
            }
            for job in turn { job.runSynchronously(on: executor) }
        }
    }
}
