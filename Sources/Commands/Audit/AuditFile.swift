internal import Control
private import Glibc

/// `<run-dir>/audit.jsonl`: a line of JSON for each change by hand, readable by root alone. What goes beyond 16 MiB is kept
/// as `audit.jsonl.1`, in place of the one before it.
package struct AuditFile: Sendable {
    package static let name = "audit.jsonl"

    private let path: String
    private let limit: Int
    /// Makes the file and its directory where they are missing, and sees whether it can be written to. Done before the change
    /// that is to be told of, so that nothing is changed that cannot be.
    package init(runDirectory: String, limit: Int = 16 << 20) throws(AuditError) {
        path = "\(runDirectory)/\(Self.name)"
        self.limit = limit
        if mkdir(runDirectory, 0o755) != 0, errno != EEXIST { throw AuditError("make", runDirectory, errno) }
        _ = close(try Self.open(path))
    }

    /// Appends one line in one write(2).
    package func append(_ record: AuditRecord) throws(AuditError) {
        let line: [UInt8]
        do { line = try ControlLine.encode(record) } catch { throw AuditError(description: "\(error)") }
        let file = try Self.current(path, limit: limit, room: line.count)
        defer { _ = close(file) }
        let count = line.withUnsafeBytes { write(file, $0.baseAddress, $0.count) }
        guard count == line.count else { throw AuditError("write to", path, count < 0 ? errno : ENOSPC) }
    }

    private static func open(_ path: String) throws(AuditError) -> Int32 {
        let descriptor = Glibc::open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0o600)
        guard descriptor >= 0 else { throw AuditError("open", path, errno) }
        var facts = stat()
        guard fstat(descriptor, &facts) == 0, facts.st_mode & S_IFMT == S_IFREG, facts.st_uid == geteuid() else {
            _ = close(descriptor)
            throw AuditError(description: "\(path) is not a file of this user")
        }
        if facts.st_mode & 0o777 != 0o600, fchmod(descriptor, 0o600) != 0 {
            let code = errno
            _ = close(descriptor)
            throw AuditError("restrict", path, code)
        }
        return descriptor
    }

    /// The file that stands at `path` now, locked, with room for so many bytes.
    private static func current(_ path: String, limit: Int, room: Int) throws(AuditError) -> Int32 {
        while true {
            let descriptor = try open(path)
            do throws(AuditError) {
                try lock(descriptor, path)
                if isCurrent(descriptor, path) {
                    if try size(descriptor, path) + room <= limit { return descriptor }
                    guard rename(path, path + ".1") == 0 else { throw AuditError("rotate", path, errno) }
                }
            } catch {
                _ = close(descriptor)
                throw error
            }
            _ = close(descriptor)
        }
    }

    private static func lock(_ descriptor: Int32, _ path: String) throws(AuditError) {
        while flock(descriptor, LOCK_EX) != 0 {
            guard errno == EINTR else { throw AuditError("lock", path, errno) }
        }
    }

    private static func size(_ descriptor: Int32, _ path: String) throws(AuditError) -> Int {
        var facts = stat()
        guard fstat(descriptor, &facts) == 0 else { throw AuditError("look at", path, errno) }
        return facts.st_size
    }

    private static func isCurrent(_ descriptor: Int32, _ path: String) -> Bool {
        var ours = stat()
        var there = stat()
        return fstat(descriptor, &ours) == 0 && lstat(path, &there) == 0 && ours.st_ino == there.st_ino
            && ours.st_dev == there.st_dev
    }
}

/// Why the audit file cannot be used, as a sentence.
package struct AuditError: Error, Hashable, CustomStringConvertible {
    package let description: String

    fileprivate init(description: String) { self.description = description }

    fileprivate init(_ operation: String, _ path: String, _ code: Int32) {
        description = "cannot \(operation) \(path): \(errorText(code))"
    }
}
