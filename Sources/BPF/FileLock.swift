import Glibc

/// flock(2) on a path, kept until this goes; it also goes with the process.
package struct FileLock: ~Copyable {
    package enum Kind: Sendable { case shared, exclusive }

    private let descriptor: Descriptor

    /// Waits for those who hold it.
    package init(_ path: String, _ kind: Kind) throws(BPFError) {
        let opened = Descriptor(owning: try BPFError.check(Glibc::open(path, O_RDONLY | O_CLOEXEC), "open", path))
        try Self.wait(for: opened.raw, kind, path)
        descriptor = opened
    }

    private static func wait(for raw: Int32, _ kind: Kind, _ path: String) throws(BPFError) {
        while flock(raw, kind == .shared ? LOCK_SH : LOCK_EX) < 0 {
            let errno = Glibc::errno
            if errno != EINTR { throw BPFError(operation: "lock", object: path, errno: errno) }
        }
    }
}
