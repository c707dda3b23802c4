internal import Glibc

/// Small files as a whole.
enum File {
    /// The file's bytes; a file larger than `limit` bytes is an error (EFBIG). A FIFO that nobody writes to is empty: whoever
    /// opened it as a file would wait for its writer.
    static func read(_ path: String, limit: Int = 1 << 20) throws(SystemError) -> [UInt8] {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else { throw SystemError("open", path) }
        defer { close(descriptor) }
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 16 << 10)
        while true {
            let got = Glibc.read(descriptor, &chunk, chunk.count)
            if got < 0, errno == EINTR { continue }
            guard got >= 0 else { throw SystemError("read", path) }
            if got == 0 { return bytes }
            guard bytes.count + got <= limit else { throw SystemError("read", path, code: EFBIG) }
            bytes.append(contentsOf: chunk[..<got])
        }
    }

    static func text(_ path: String, limit: Int = 1 << 20) throws(SystemError) -> String {
        String(decoding: try read(path, limit: limit), as: UTF8.self)
    }

    /// Writes into a file that is there, in one call, as the kernel's own files want it.
    static func write(_ text: String, into path: String) throws(SystemError) {
        let descriptor = open(path, O_WRONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw SystemError("open", path) }
        defer { close(descriptor) }
        var text = text
        let sent = text.withUTF8 { Glibc.write(descriptor, $0.baseAddress, $0.count) }
        guard sent == text.utf8.count else { throw SystemError("write to", path) }
    }

    /// Puts new contents in the place of a file: a reader sees the old ones or the new ones, never a part.
    static func replace(_ path: String, with bytes: [UInt8], mode: mode_t) throws(SystemError) {
        let temporary = path + ".new"
        let descriptor = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, mode)
        guard descriptor >= 0 else { throw SystemError("create", temporary) }
        defer { close(descriptor) }
        guard Glibc.write(descriptor, bytes, bytes.count) == bytes.count else { throw SystemError("write to", temporary) }
        guard rename(temporary, path) == 0 else { throw SystemError("replace", path) }
    }

    /// As `replace`, and lasting when it returns: also a loss of power leaves the old contents or the new ones.
    static func replaceDurably(_ path: String, with bytes: [UInt8], mode: mode_t) throws(SystemError) {
        let temporary = path + ".new"
        let descriptor = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, mode)
        guard descriptor >= 0 else { throw SystemError("create", temporary) }
        do throws(SystemError) {
            defer { close(descriptor) }
            try append(bytes, to: descriptor, temporary)
            guard fsync(descriptor) == 0 else { throw SystemError("write to", temporary) }
        } catch {
            unlink(temporary)
            throw error
        }
        guard rename(temporary, path) == 0 else { throw SystemError("replace", path) }
        try synchronize(directory: directory(of: path))
    }

    /// Writes all of it where the descriptor stands.
    static func append(_ bytes: [UInt8], to descriptor: Int32, _ name: String) throws(SystemError) {
        var written = 0
        while written < bytes.count {
            let count = bytes.withUnsafeBytes { view in
                view.baseAddress.map { Glibc.write(descriptor, $0 + written, view.count - written) } ?? 0
            }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { throw SystemError("write to", name, code: count == 0 ? ENOSPC : errno) }
            written += count
        }
    }

    /// Makes the names in a directory last.
    static func synchronize(directory: String) throws(SystemError) {
        let descriptor = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { throw SystemError("open", directory) }
        defer { close(descriptor) }
        guard fsync(descriptor) == 0 else { throw SystemError("make the names last in", directory) }
    }

    /// The directory that a path is in: `/a` for `/a/b`, `.` for `b`.
    static func directory(of path: String) -> String {
        guard let slash = path.lastIndex(of: "/") else { return "." }
        return slash == path.startIndex ? "/" : String(path[..<slash])
    }

    /// The path without symbolic links; nil when it leads nowhere.
    static func resolved(_ path: String) -> String? {
        guard let real = realpath(path, nil) else { return nil }
        defer { free(real) }
        return String(cString: real)
    }

    /// Gives a file a second name. False when it can't be.
    static func keep(_ path: String, as other: String) -> Bool { link(path, other) == 0 }

    static func exists(_ path: String) -> Bool { access(path, F_OK) == 0 }
}
