import Glibc

/// Reading a regular file of bounded size.
enum BoundedFile {
    /// The whole file. Symbolic links are followed; devices, pipes and directories are refused without waiting on them.
    /// The refusal names what failed, not the path.
    static func read(_ path: String, limit: Int) throws(Refusal) -> [UInt8] {
        guard !path.utf8.contains(0) else { throw Refusal("is not a path") }
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY)
        guard descriptor >= 0 else { throw Refusal("cannot be opened: \(reason(errno))") }
        defer { close(descriptor) }
        var status = stat()
        guard fstat(descriptor, &status) == 0 else { throw Refusal("cannot be examined: \(reason(errno))") }
        guard status.st_mode & S_IFMT == S_IFREG else { throw Refusal("is not a regular file") }
        return try contents(of: descriptor, limit: limit)
    }

    private static func contents(of descriptor: Int32, limit: Int) throws(Refusal) -> [UInt8] {
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 64 << 10)
        while true {
            let count = Glibc.read(descriptor, &chunk, chunk.count)
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else { throw Refusal("cannot be read: \(reason(errno))") }
            guard count > 0 else { return bytes }
            bytes += chunk[..<count]
            guard bytes.count <= limit else { throw Refusal("is larger than \(limit >> 10) KiB") }
        }
    }

    private static func reason(_ code: Int32) -> String { String(cString: strerror(code)) }
}
