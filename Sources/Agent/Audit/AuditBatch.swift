/// Audit lines that wait to be sent, no more than there is room for. Pure.
struct AuditBatch: Sendable {
    private let limit: Int
    private var bytes: [UInt8] = []
    /// What is not a whole line yet.
    private var rest: [UInt8] = []
    /// Lines that found no room, since they were last taken.
    private(set) var dropped: UInt64 = 0
    /// Of a line that is too long what follows is dropped, too.
    private var isSkipping = false

    /// - Parameter limit: bytes that may wait.
    init(limit: Int) { self.limit = limit }

    var count: Int { bytes.count }
    var isEmpty: Bool { bytes.isEmpty }

    /// Takes bytes in as they come.
    mutating func feed(_ new: some Sequence<UInt8>) {
        for byte in new {
            if isSkipping {
                if byte == UInt8(ascii: "\n") { isSkipping = false }
                continue
            }
            rest.append(byte)
            if byte == UInt8(ascii: "\n") {
                keep()
            } else if rest.count > limit {
                rest = []
                dropped += 1
                isSkipping = true
            }
        }
    }

    /// A whole line, with its newline, wherever the others are.
    mutating func add(_ line: [UInt8]) {
        if bytes.count + line.count <= limit { bytes += line } else { dropped += 1 }
    }

    private mutating func keep() {
        if bytes.count + rest.count <= limit { bytes += rest } else { dropped += 1 }
        rest.removeAll(keepingCapacity: true)
    }

    /// The first lines, so many bytes at most but at least one line. They stay until they are removed.
    func first(_ most: Int) -> [UInt8] {
        guard bytes.count > most else { return bytes }
        if let end = bytes[..<most].lastIndex(of: UInt8(ascii: "\n")) { return Array(bytes[...end]) }
        return Array(bytes.prefix { $0 != UInt8(ascii: "\n") }) + [UInt8(ascii: "\n")]
    }

    mutating func remove(_ count: Int) { bytes.removeFirst(min(count, bytes.count)) }

    /// So many bytes are given up: the number of their lines.
    mutating func giveUp(_ count: Int) {
        dropped += UInt64(bytes.prefix(count).count { $0 == UInt8(ascii: "\n") })
        remove(count)
    }

    mutating func takeDropped() -> UInt64 {
        defer { dropped = 0 }
        return dropped
    }
}
