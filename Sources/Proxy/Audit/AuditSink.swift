import Glibc
import Reactor

/// Where audit lines are written: a file, a pipe or a terminal, by a descriptor that the agent gave.
final class AuditSink {
    /// Bytes of one write to a file, and to anything else: a pipe that is ready takes so many without blocking.
    private static let filePiece = 1 << 20
    private static let pipePiece = 4096

    enum Outcome: Equatable {
        case written
        /// Not all, and no more for now: something else wants to be looked at.
        case interrupted
        /// Nobody reads there any more; the line that was under way is to be written anew, elsewhere.
        case gone
        /// No space, or an error of the device: so many lines are lost.
        case failed(lines: Int)
    }

    private let descriptor: Descriptor
    private let piece: Int
    /// A line was begun and can't be gone on with: what comes next begins a line of its own.
    private var isTorn = false

    init(_ descriptor: consuming Descriptor) {
        var status = stat()
        let isFile = fstat(descriptor.number, &status) == 0 && status.st_mode & S_IFMT == S_IFREG
        piece = isFile ? Self.filePiece : Self.pipePiece
        self.descriptor = descriptor
    }

    /// Writes lines from `start` on, which moves along.
    ///
    /// - Parameter isReady: waits for a descriptor to be ready to write; false: something else has come up.
    func write(_ bytes: [UInt8], from start: inout Int, isReady: (Int32) -> Bool) -> Outcome {
        while start < bytes.count {
            guard isReady(descriptor.number) else { return .interrupted }
            if isTorn {
                let (count, code) = write([Self.newline], 0..<1)
                guard count == 1 else { return outcome(code, bytes, &start) }
                isTorn = false
                continue
            }
            let (count, code) = write(bytes, start..<end(bytes, start))
            guard count >= 0 else { return outcome(code, bytes, &start) }
            start += count
        }
        return .written
    }

    private static var newline: UInt8 { UInt8(ascii: "\n") }

    /// As many whole lines as go into one piece; of a longer line, a piece.
    private func end(_ bytes: [UInt8], _ start: Int) -> Int {
        guard bytes.count - start > piece else { return bytes.count }
        return bytes[start..<start + piece].lastIndex(of: Self.newline).map { $0 + 1 } ?? start + piece
    }

    private func write(_ bytes: [UInt8], _ range: Range<Int>) -> (count: Int, code: Int32) {
        bytes.withUnsafeBytes { bytes in
            let count = Glibc.write(descriptor.number, bytes.baseAddress?.advanced(by: range.lowerBound), range.count)
            return (count, count < 0 ? errno : 0)
        }
    }

    private func outcome(_ code: Int32, _ bytes: [UInt8], _ start: inout Int) -> Outcome {
        switch code {
        case EINTR, EAGAIN: return .interrupted
        case EPIPE, EBADF, ECONNRESET:
            start = bytes[..<start].lastIndex(of: Self.newline).map { $0 + 1 } ?? 0
            return .gone
        default:
            if start > 0, bytes[start - 1] != Self.newline { isTorn = true }
            defer { start = bytes.count }
            return .failed(lines: bytes[start...].count { $0 == Self.newline })
        }
    }
}
