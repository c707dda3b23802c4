import Glibc

/// What the file system says of a file, without reading it: its size, and what tells it from one that was there before.
///
/// It stands here because where Foundation's modules are loaded beside Glibc's, the compiler may take either for the one
/// that defines `stat`, and asks for an import of it.
package struct FileFacts: Hashable, Sendable {
    /// Bytes.
    package let size: Int
    private let device: UInt64
    private let inode: UInt64
    private let times: [Int]

    /// nil: there is no such file, or it can't be asked for.
    package init?(_ path: String) {
        var status = stat()
        guard stat(path, &status) == 0 else { return nil }
        self.init(status)
    }

    package init(descriptor: Int32) throws(SystemError) {
        var status = stat()
        guard fstat(descriptor, &status) == 0 else { throw SystemError("fstat", errno) }
        self.init(status)
    }

    private init(_ status: stat) {
        size = Int(status.st_size)
        device = UInt64(status.st_dev)
        inode = UInt64(status.st_ino)
        times = [status.st_mtim.tv_sec, status.st_mtim.tv_nsec, status.st_ctim.tv_sec, status.st_ctim.tv_nsec]
    }
}
