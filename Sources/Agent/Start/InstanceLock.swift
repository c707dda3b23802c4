private import Glibc

/// Keeps a second agent out of a run directory, for as long as this process lives.
struct InstanceLock: Sendable {
    private let descriptor: Int32

    static func take(_ path: String) throws(AgentError) -> InstanceLock {
        let descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard descriptor >= 0 else { throw AgentError(SystemError("open", path)) }
        guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
            let code = errno
            close(descriptor)
            guard code == EWOULDBLOCK else { throw AgentError(SystemError("lock", path, code: code)) }
            throw AgentError(
                "another modelbrokerd (pid \(holder(path))) uses \(File.directory(of: path)); stop it first", isHeld: true)
        }
        let text = Array("\(getpid())\n".utf8)
        guard ftruncate(descriptor, 0) == 0, pwrite(descriptor, text, text.count, 0) == text.count else {
            let error = SystemError("write to", path)
            close(descriptor)
            throw AgentError(error)
        }
        return InstanceLock(descriptor: descriptor)
    }

    /// Keeps a second agent off a pin directory, whatever its run directory is. nil: there is no such directory yet.
    /// What is locked is the directory of the links in it: the pin directory's own lock is for those who write, agent and
    /// CLI by turns.
    static func take(pinDirectory: String) throws(AgentError) -> InstanceLock? {
        let path = pinDirectory + "/links"
        let descriptor = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { return nil }
        guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
            close(descriptor)
            throw AgentError(
                "another modelbrokerd uses the pins in \(pinDirectory); stop it, or choose another --pin-dir", isHeld: true)
        }
        return InstanceLock(descriptor: descriptor)
    }

    /// Lets another agent in.
    func release() { close(descriptor) }

    private static func holder(_ path: String) -> String {
        let digits = ((try? File.text(path)) ?? "").prefix { $0.isASCII && $0.isNumber }
        return digits.isEmpty ? "unknown" : String(digits)
    }
}
