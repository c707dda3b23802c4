import Glibc

/// An engine's way into life: what it needs before it listens, and how long it loads after that.
struct Life: Sendable {
    /// CLOCK_MONOTONIC in nanoseconds.
    private let loadedAt: UInt64

    /// Comes back when it may listen; ends the process where the options say that it does not start.
    static func begin(_ options: EngineOptions, _ served: ServiceLog) async throws -> Life {
        if options.size.deaf { signal(SIGTERM, SIG_IGN) }
        served.note("start")
        if let status = options.size.failStart { leave("there is no such model, as told", status) }
        if let device = options.size.device, !holds(device) {
            served.note("conflict")
            leave("the device \(device) is in use", 4)
        }
        try await Task.sleep(nanoseconds: UInt64(max(0, options.size.startDelay.nanoseconds)))
        return Life(loadedAt: AnswerWriter.monotonic() + UInt64(max(0, options.size.loading.nanoseconds)))
    }

    var isLoading: Bool { AnswerWriter.monotonic() < loadedAt }

    /// The lock goes with the process, however that ends.
    private static func holds(_ device: String) -> Bool {
        let descriptor = open(device, O_RDWR | O_CREAT | O_CLOEXEC, 0o666)
        return descriptor >= 0 && flock(descriptor, LOCK_EX | LOCK_NB) == 0
    }

    private static func leave(_ reason: String, _ status: Int32) -> Never {
        print("mock-engine: \(reason)")
        fflush(nil)
        _exit(status)
    }
}
