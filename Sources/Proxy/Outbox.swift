import CLinux
import Control
import Glibc
import Reactor
import Synchronization

/// What the event loops have to tell the agent: bounded, so that an agent that is away costs no memory.
final class Outbox: Sendable {
    private static let limit = 4096
    /// Bytes of spans that wait at most.
    private static let spanLimit = 4 << 20

    private struct State {
        var messages: [ProxyMessage] = []
        var lost = 0
        /// Of spans: messages among them, and bytes.
        var spanMessages = 0
        var spanBytes = 0
    }

    private let state = Mutex(State())
    private let wake: Int32
    private let lostSpans = Atomic<UInt64>(0)

    init() throws(SystemError) {
        let number = eventfd(0, Int32(EFD_NONBLOCK | EFD_CLOEXEC))
        let code = errno
        guard number >= 0 else { throw SystemError("eventfd", code) }
        wake = number
    }

    deinit { _ = Glibc.close(wake) }

    /// Readable when there is something to send.
    var descriptor: Int32 { wake }

    /// Spans that found no room since the start.
    var spansDropped: UInt64 { lostSpans.load(ordering: .relaxed) }

    /// Events and spans are dropped when too many wait; answers to questions never are.
    func send(_ message: ProxyMessage) {
        state.withLock { state in
            if case .event = message, state.messages.count - state.spanMessages >= Self.limit {
                state.lost += 1
            } else if case .spans(let bytes, let count) = message {
                guard state.spanBytes + bytes.count <= Self.spanLimit, state.spanMessages < Self.limit else {
                    lostSpans.add(UInt64(count), ordering: .relaxed)
                    return
                }
                state.spanMessages += 1
                state.spanBytes += bytes.count
                state.messages.append(message)
            } else {
                state.messages.append(message)
            }
        }
        _ = eventfd_write(wake, 1)
    }

    /// Wakes the reader with nothing to send.
    func wakeUp() { _ = eventfd_write(wake, 1) }

    /// Leaves what waits where it is, and the descriptor quiet until more comes.
    func settle() {
        var value: eventfd_t = 0
        _ = eventfd_read(wake, &value)
    }

    func takeAll() -> [ProxyMessage] {
        settle()
        return state.withLock { state in
            defer { state = State() }
            return state.messages
        }
    }

    /// A line for whoever reads the proxy's standard error.
    func log(_ text: String) {
        let line = Array("modelbroker-proxy: \(text)\n".utf8)
        _ = line.withUnsafeBytes { write(STDERR_FILENO, $0.baseAddress, $0.count) }
    }
}
