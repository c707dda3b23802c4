private import CLinux
private import Glibc

/// Signals as something to read, so that whatever ends `top` ends it in order.
struct TopSignals: ~Copyable {
    private static let wanted = [SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGWINCH, SIGCONT]

    let descriptor: Int32

    /// Blocks them for the whole process: to be made before there are other threads.
    init() {
        var signals = sigset_t()
        sigemptyset(&signals)
        for signal in Self.wanted { sigaddset(&signals, signal) }
        pthread_sigmask(SIG_BLOCK, &signals, nil)
        descriptor = clinux_signalfd(&signals)
    }

    deinit { _ = close(descriptor) }

    /// The signals that came.
    func take() -> [Int32] {
        var found: [Int32] = []
        // struct signalfd_siginfo: 128 bytes, the number first.
        var record = [UInt8](repeating: 0, count: 128)
        while read(descriptor, &record, record.count) == record.count {
            found.append(record.withUnsafeBytes { $0.loadUnaligned(as: Int32.self) })
        }
        return found
    }

    static func ends(_ signal: Int32) -> Bool { signal != SIGWINCH && signal != SIGCONT }

    static func stops() { kill(getpid(), SIGSTOP) }
}
