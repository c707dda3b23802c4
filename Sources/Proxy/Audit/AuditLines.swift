import Synchronization

/// Audit lines on their way from one event loop to the thread that writes them: bounded, so that a sink that does not take
/// them costs lines and not memory.
final class AuditLines: Sendable {
    /// Bytes that wait at most.
    static let limit = 4 << 20

    struct Batch: Sendable {
        var bytes: [UInt8] = []
        var lines = 0

        mutating func add(_ other: Batch) {
            if bytes.isEmpty { bytes = other.bytes } else { bytes += other.bytes }
            lines += other.lines
        }
    }

    private let waiting = Mutex(Batch())

    /// Takes lines over, each with its newline; `bytes` is empty afterwards, and may have other storage. Returns how many
    /// there was no room for: the later ones go.
    func put(_ bytes: inout [UInt8], lines: Int) -> (wasEmpty: Bool, dropped: Int) {
        waiting.withLock { waiting in
            let wasEmpty = waiting.bytes.isEmpty
            defer { bytes.removeAll(keepingCapacity: bytes.capacity <= 64 << 10) }
            if wasEmpty, bytes.count <= Self.limit {
                swap(&waiting.bytes, &bytes)
                waiting.lines = lines
                return (true, 0)
            }
            let room = Self.limit - waiting.bytes.count
            if bytes.count <= room {
                waiting.bytes.append(contentsOf: bytes)
                waiting.lines += lines
                return (wasEmpty, 0)
            }
            let end = bytes[..<room].lastIndex(of: UInt8(ascii: "\n")).map { $0 + 1 } ?? 0
            let kept = bytes[..<end].count { $0 == UInt8(ascii: "\n") }
            waiting.bytes.append(contentsOf: bytes[..<end])
            waiting.lines += kept
            return (wasEmpty, lines - kept)
        }
    }

    /// Everything that waits.
    func takeAll() -> Batch {
        waiting.withLock { waiting in
            defer { waiting = Batch() }
            return waiting
        }
    }
}
