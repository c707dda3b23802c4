import CLinux
import Glibc
import Synchronization

/// How other threads give an event loop something to do: a list, and a descriptor that wakes the loop.
package final class Mailbox<Message: Sendable>: Sendable {
    private let messages = Mutex<[Message]>([])
    private let wake: Int32

    /// - Throws: when no eventfd can be had.
    package init() throws(SystemError) {
        let number = eventfd(0, Int32(EFD_NONBLOCK | EFD_CLOEXEC))
        let code = errno
        guard number >= 0 else { throw SystemError("eventfd", code) }
        wake = number
    }

    deinit { _ = Glibc.close(wake) }

    /// What the loop watches.
    package var descriptor: Int32 { wake }

    package func post(_ message: Message) {
        messages.withLock { $0.append(message) }
        _ = eventfd_write(wake, 1)
    }

    /// Takes everything posted so far; the loop's thread calls it when the descriptor is readable.
    package func takeAll() -> [Message] {
        var value: eventfd_t = 0
        _ = eventfd_read(wake, &value)
        return messages.withLock { waiting in
            defer { waiting = [] }
            return waiting
        }
    }
}
