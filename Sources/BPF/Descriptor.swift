import Glibc

/// A file descriptor that closes when its owner goes.
package struct Descriptor: ~Copyable, Sendable {
    package let raw: Int32

    /// Takes over an open descriptor.
    package init(owning raw: Int32) { self.raw = raw }

    deinit { _ = Glibc::close(raw) }

    /// Hands the descriptor out; the caller closes it.
    package consuming func release() -> Int32 {
        let raw = self.raw
        discard self
        return raw
    }

    /// A second descriptor of the same file, close-on-exec.
    package static func duplicate(of raw: Int32, for object: String) throws(BPFError) -> Descriptor {
        Descriptor(owning: try BPFError.check(fcntl(raw, F_DUPFD_CLOEXEC, 3), "duplicate the descriptor of", object))
    }

    /// Opens a directory, such as a cgroup.
    package static func directory(_ path: String) throws(BPFError) -> Descriptor {
        Descriptor(owning: try BPFError.check(Glibc::open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC), "open", path))
    }
}
