/// The last lines of what a program wrote, within a number of bytes. Pure.
struct LogRing: Sendable {
    /// Bytes that are kept. Each line counts a little more than it is long, so that empty ones are no way around it.
    static let capacity = 256 << 10
    /// Longer lines are cut in pieces.
    static let longestLine = 4 << 10
    private static let overhead = 16

    private var lines: [[UInt8]] = []
    /// Of `lines`, those that have been dropped already.
    private var first = 0
    private var size = 0
    /// The line that has no end yet.
    private var open: [UInt8] = []
    /// Lines that were written and are not kept.
    private(set) var dropped: UInt64 = 0

    init() {}

    /// What `saved` said. Whatever else stands there is taken for lines.
    init(saved: [UInt8]) {
        guard let end = saved.firstIndex(of: UInt8(ascii: "\n")) else { return }
        append(saved[(end + 1)...])
        finish()
        dropped &+= UInt64(String(decoding: saved[..<end], as: UTF8.self)) ?? 0
    }

    /// The number of lines that are not kept, and the others: each on a line.
    var saved: [UInt8] {
        var bytes = Array("\(dropped)\n".utf8)
        for line in lines[first...] { bytes += line + [UInt8(ascii: "\n")] }
        return bytes + open
    }

    mutating func append(_ bytes: some Collection<UInt8>) {
        for byte in bytes {
            if byte == UInt8(ascii: "\n") {
                close()
            } else {
                open.append(byte)
                if open.count >= Self.longestLine { close() }
            }
        }
    }

    /// Ends the line under way, if there is one.
    mutating func finish() { if !open.isEmpty { close() } }

    /// At most so many, oldest first, and how many lines there were that are not kept; what is no UTF-8 is replaced.
    func last(_ count: Int) -> (lines: [String], dropped: UInt64) {
        let kept = lines[first...] + (open.isEmpty ? [] : [open])
        let wanted = kept.suffix(max(0, count))
        return (wanted.map { String(decoding: $0, as: UTF8.self) }, dropped)
    }

    private mutating func close() {
        if open.last == UInt8(ascii: "\r") { open.removeLast() }
        size += open.count + Self.overhead
        lines.append(open)
        open = []
        while size > Self.capacity {
            size -= lines[first].count + Self.overhead
            lines[first] = []
            first += 1
            dropped += 1
        }
        if first > 1024, first > lines.count / 2 {
            lines.removeFirst(first)
            first = 0
        }
    }
}
