private import CLinux
private import Glibc

/// A file of audit lines that is rotated: `a`, before it `a.1`, before that `a.2` … Belongs to one thread.
struct AuditFile {
    let path: String
    /// Bytes above which it is rotated.
    let size: UInt64
    /// Older files that are kept.
    let keep: Int
    /// nil: it could not be opened.
    private(set) var descriptor: AuditDescriptor?

    init(path: String, size: UInt64, keep: Int) {
        self.path = path
        self.size = size
        self.keep = max(0, keep)
    }

    /// Opens what is not open or has been taken away, and rotates what has become too large.
    ///
    /// - Returns: whether there is another descriptor now.
    /// - Throws: when there is none, or it can't be rotated and grows on.
    mutating func tend() throws(SystemError) -> Bool {
        if let held = descriptor {
            guard let length = length(of: held) else {
                descriptor = nil
                return try tend()
            }
            guard length >= max(1, size) else { return false }
            try rotate()
        }
        descriptor = AuditDescriptor(try Self.open(path))
        return true
    }

    /// The length of the file; nil: it is no longer the one of that name.
    private func length(of held: AuditDescriptor) -> UInt64? {
        var (facts, named) = (clinux_file(), clinux_file())
        guard clinux_look_at_open_file(held.raw, &facts) == 0, clinux_look_at_file(path, &named) == 0 else { return nil }
        return facts.inode == named.inode && facts.device == named.device ? UInt64(max(0, facts.size)) : nil
    }

    private func rotate() throws(SystemError) {
        guard keep > 0 else {
            guard unlink(path) == 0 else { throw SystemError("remove", path) }
            return
        }
        for number in stride(from: keep - 1, to: 0, by: -1) { rename("\(path).\(number)", "\(path).\(number + 1)") }
        guard rename(path, "\(path).1") == 0 else { throw SystemError("rotate", path) }
    }

    /// A regular file and no other: a FIFO would keep whoever opens it, a link would lead anywhere.
    private static func open(_ path: String) throws(SystemError) -> Int32 {
        let flags = O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK
        let descriptor = Glibc.open(path, flags, 0o640)
        guard descriptor >= 0 else { throw SystemError("open the audit file", path) }
        var facts = clinux_file()
        guard clinux_look_at_open_file(descriptor, &facts) == 0, facts.mode & S_IFMT == S_IFREG else {
            close(descriptor)
            throw SystemError("write audit lines to", path, code: EINVAL)
        }
        _ = fcntl(descriptor, F_SETFL, fcntl(descriptor, F_GETFL) & ~O_NONBLOCK)
        return descriptor
    }
}
