private import Glibc

/// The journal as a file that is appended to, and now and then replaced as a whole. Belongs to one thread at a time.
struct JournalFile: ~Copyable {
    /// Bytes of a journal that is read.
    static let maximumBytes = 256 << 20

    let path: String
    /// -1: it could not be opened, or may not be whole: only `replace` makes it good again.
    private var descriptor: Int32 = -1
    /// Bytes that it has.
    private(set) var size = 0
    private(set) var isSynchronized = true

    init(path: String) { self.path = path }

    deinit { if descriptor >= 0 { close(descriptor) } }

    /// Its bytes; none when there is no file.
    func read() throws(SystemError) -> [UInt8] {
        do {
            return try File.read(path, limit: Self.maximumBytes)
        } catch {
            guard error.code != ENOENT else { return [] }
            throw error
        }
    }

    /// Puts these bytes in the place of all that was there, and they last when this returns. What was there before stays
    /// when it fails.
    mutating func replace(with bytes: [UInt8]) throws(SystemError) {
        let temporary = path + ".new"
        unlink(temporary)
        let new = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard new >= 0 else { throw SystemError("create", temporary) }
        do throws(SystemError) {
            try File.append(bytes, to: new, temporary)
            guard fdatasync(new) == 0 else { throw SystemError("write to", temporary) }
            guard rename(temporary, path) == 0 else { throw SystemError("replace", path) }
        } catch {
            close(new)
            unlink(temporary)
            throw error
        }
        if descriptor >= 0 { close(descriptor) }
        descriptor = new
        size = bytes.count
        isSynchronized = true
        try File.synchronize(directory: File.directory(of: path))
    }

    /// - Throws: when not all of it could be written; nothing more is appended to a file that may end in the middle.
    mutating func append(_ bytes: [UInt8]) throws(SystemError) {
        guard descriptor >= 0 else { throw SystemError("write to", path, code: EBADF) }
        isSynchronized = false
        do {
            try File.append(bytes, to: descriptor, path)
            size += bytes.count
        } catch {
            abandon()
            throw error
        }
    }

    /// What was appended lasts when this returns.
    ///
    /// - Throws: also when it is not known what is lost: the kernel forgets what it could not write.
    mutating func synchronize() throws(SystemError) {
        guard descriptor >= 0 else { throw SystemError("write to", path, code: EBADF) }
        guard !isSynchronized else { return }
        guard fdatasync(descriptor) == 0 else {
            let error = SystemError("write to", path)
            abandon()
            throw error
        }
        isSynchronized = true
    }

    private mutating func abandon() {
        if descriptor >= 0 { close(descriptor) }
        descriptor = -1
    }
}
