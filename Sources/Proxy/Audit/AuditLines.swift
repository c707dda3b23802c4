import Synchronization

/// Audit lines on their way from one event loop to the thread that writes them: bounded, so that a sink that does not take
/// them costs lines and not memory.
final class AuditLines: Sendable {
    /// Bytes that wait at most.
    static let limit = 4 << 20
    /// Of an array that has been emptied, so much room is kept for the next lines.
    private static let kept = 256 << 10

    struct Batch: Sendable {
        var bytes: [UInt8] = []
        var lines = 0

        /// Empties it, without letting go of room that will be needed again.
        mutating func clear() {
            bytes.removeAll(keepingCapacity: bytes.capacity <= AuditLines.kept)
            lines = 0
        }
    }

    private let waiting = Mutex(Batch())

    /// Takes lines over, each with its newline; `bytes` is empty afterwards. Returns how many there was no room for, the
    /// later ones, and how many bytes wait now.
    func put(_ bytes: inout [UInt8], lines: Int) -> (dropped: Int, waiting: Int) {
        let result = waiting.withLock { waiting in
            let room = Self.limit - waiting.bytes.count
            if bytes.count <= room {
                waiting.bytes.append(contentsOf: bytes)
                waiting.lines += lines
                return (0, waiting.bytes.count)
            }
            let end = bytes[..<room].lastIndex(of: UInt8(ascii: "\n")).map { $0 + 1 } ?? 0
            let kept = bytes[..<end].count { $0 == UInt8(ascii: "\n") }
            waiting.bytes.append(contentsOf: bytes[..<end])
            waiting.lines += kept
            return (lines - kept, waiting.bytes.count)
        }
        bytes.removeAll(keepingCapacity: bytes.capacity <= Self.kept)
        return result
    }

    /// Takes everything that waits; the room of `batch`, which must be empty, is left for what comes.
    func take(into batch: inout Batch) {
        waiting.withLock { swap(&$0, &batch) }
    }
}
