private import Glibc

/// A descriptor that audit lines are written to; closed when nobody needs it any more.
final class AuditDescriptor: Sendable {
    let raw: Int32

    /// Takes the descriptor over.
    init(_ raw: Int32) { self.raw = raw }

    deinit { close(raw) }

    /// Writes whole lines; blocks where the reader is slow.
    func write(_ lines: [UInt8]) throws(SystemError) { try File.append(lines, to: raw, "the audit's sink") }
}
