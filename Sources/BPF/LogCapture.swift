internal import CBPFShim
import Glibc
import Synchronization

/// Runs libbpf with its messages kept instead of printed. libbpf has one callback for the process, so callers take turns.
enum LogCapture {
    private static let turn = Mutex<Void>(())

    /// The body's result and errno as they were when it returned, and what was said meanwhile.
    static func run(_ body: () -> Int32) -> (result: Int32, errno: Int32, log: VerifierLog) {
        turn.withLock { _ in
            mb_log_start()
            let result = body()
            let errno = Glibc::errno
            return (result, errno, VerifierLog(text: take()))
        }
    }

    private static func take() -> String {
        var length = 0
        guard let text = mb_log_take(&length) else { return "" }
        defer { free(text) }
        return String(decoding: UnsafeRawBufferPointer(start: text, count: length), as: UTF8.self)
    }
}
